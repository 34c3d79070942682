// Command minimal answers with a constant.
package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

//go:wasmexport answer
func answer() {
	wasmlane.Handle(func(w *wasmlane.Response, r *wasmlane.Request) error { return w.Text(200, "42\n") })
}

func main() {}
