// Command conformance plays the conformance cases against a plugin:
//
//	go run ./abi/conformance FILE.wasm [-run TEXT] [-list]
//
// It exits with 1 when a case fails and with 2 when it cannot begin.
package main

import (
	"embed"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wasmlane/wasmlane/abi/conformance/suite"
)

//go:embed cases/*.txt
var caseFiles embed.FS

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	text := flags.String("run", "", "play only the cases whose name contains `TEXT`")
	list := flags.Bool("list", false, "list the cases")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: conformance [-run TEXT] [-list] FILE.wasm")
		flags.PrintDefaults()
	}
	var files []string
	for { // flags may follow the file
		if err := flags.Parse(args); err != nil {
			return 2
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		files, args = append(files, args[0]), args[1:]
	}
	cases, err := suite.Load(caseFiles, "cases")
	if err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return 2
	}
	var chosen []*suite.Case
	for _, c := range cases {
		if strings.Contains(c.Name, *text) {
			chosen = append(chosen, c)
		}
	}
	switch {
	case len(chosen) == 0:
		fmt.Fprintf(stderr, "conformance: no case has %q in its name; -list shows them\n", *text)
		return 2
	case *list:
		for _, c := range chosen {
			fmt.Fprintf(stdout, "%-26s %s\n", c.Name, c.About)
		}
		return 0
	case len(files) != 1:
		flags.Usage()
		return 2
	}
	return play(files[0], chosen, stdout, stderr)
}

// play plays cases against a file and prints what came of each.
func play(file string, cases []*suite.Case, stdout, stderr io.Writer) int {
	if err := suite.CheckFile(file); err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return 2
	}
	cache, err := os.MkdirTemp("", "wasmlane-conformance-")
	if err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return 2
	}
	defer os.RemoveAll(cache)
	setup := suite.Conformance(file, cache)
	if err := setup.Try(); err != nil {
		fmt.Fprintf(stderr, "conformance: %s: %v\n", file, err)
		return 2
	}
	failed := 0
	for _, c := range cases {
		if err := setup.Play(c); err != nil {
			failed++
			fmt.Fprintf(stdout, "FAIL %s\n%s\n\n", c.Name, err)
			continue
		}
		fmt.Fprintf(stdout, "pass %s\n", c.Name)
	}
	if failed > 0 {
		fmt.Fprintf(stdout, "%d of %d cases failed\n", failed, len(cases))
		return 1
	}
	fmt.Fprintf(stdout, "all %d cases passed\n", len(cases))
	return 0
}
