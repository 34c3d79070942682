// Command validate renders Kustomize directories and checks what comes out, without a
// cluster and without a network:
//
//	go run . ../kubernetes/base ../kubernetes/overlays/redis
//
// It prints every problem and exits 1 when there is one.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(dirs []string, stdout, stderr io.Writer) int {
	if len(dirs) == 0 {
		fmt.Fprintln(stderr, "usage: validate DIR…, directories with a kustomization.yaml")
		return 2
	}
	code := 0
	for _, dir := range dirs {
		text, err := render(dir)
		if err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", dir, err)
			code = 1
			continue
		}
		objects, problems := decode(text)
		problems = append(problems, check(objects)...)
		for _, problem := range problems {
			fmt.Fprintf(stderr, "%s: %s\n", dir, problem)
			code = 1
		}
		if len(problems) == 0 {
			fmt.Fprintf(stdout, "%s: %d objects are well\n", dir, len(objects))
		}
	}
	return code
}
