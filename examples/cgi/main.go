// Command cgi is a CGI program: it counts the words of a text. It knows nothing
// of its host and imports nothing but the standard library.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := answer(os.Getenv("REQUEST_METHOD"), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// answer writes a CGI response: headers, an empty line, the body.
func answer(method string, in io.Reader, out io.Writer) error {
	if method != "POST" {
		_, err := fmt.Fprint(out, "Status: 405 Method Not Allowed\nAllow: POST\nContent-Type: text/plain\n\nPOST a text, and its words are counted.\n")
		return err
	}
	words := 0
	scan := bufio.NewScanner(in)
	scan.Split(bufio.ScanWords)
	for scan.Scan() {
		words++
	}
	if err := scan.Err(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "Content-Type: text/plain\n\n%d words\n", words)
	return err
}
