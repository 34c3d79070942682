// Command command is a CGI program for the tests of WASI commands. command.c and
// command.rs beside it do the same.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

var count int

func main() {
	query := os.Getenv("QUERY_STRING")
	n, _ := strconv.Atoi(query)
	switch os.Getenv("PATH_INFO") {
	case "/count":
		count++
		fmt.Printf("Content-Type: text/plain\n\n%d", count)
	case "/env":
		fmt.Print("Content-Type: text/plain\n\n", strings.Join(os.Args, " "), "\n")
		all := os.Environ()
		slices.Sort(all)
		for _, line := range all {
			fmt.Println(line)
		}
	case "/echo":
		fmt.Print("Content-Type: application/octet-stream\r\n\r\n")
		pipe()
	case "/raw":
		pipe()
	case "/big":
		fmt.Print("Content-Type: application/octet-stream\n\n")
		piece := []byte(strings.Repeat("x", 100_000))
		for n > 0 {
			wrote, _ := os.Stdout.Write(piece[:min(n, len(piece))])
			n -= wrote
		}
	case "/exit":
		fmt.Print("Content-Type: text/plain\n\nbye")
		os.Exit(n)
	case "/spin":
		for count = 0; ; count++ {
		}
	case "/grow":
		var all [][]byte
		for {
			piece := make([]byte, 1<<20)
			piece[0] = 1
			all = append(all, piece)
			count += len(all)
		}
	case "/panic":
		panic("on purpose")
	case "/log":
		fmt.Fprintln(os.Stderr, "a line for the log")
		fmt.Print("Status: 204\n\n")
	}
}

// pipe copies the body of the request to the response.
func pipe() {
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
