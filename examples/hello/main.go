// Command hello is the smallest plugin: it greets.
package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

//go:wasmexport hello
func hello() { wasmlane.Handle(greet) }

func greet(w *wasmlane.Response, r *wasmlane.Request) error {
	return w.Text(200, "Hello, "+r.Param("name")+"!\n")
}

func main() {}
