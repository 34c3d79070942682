// Command buffered is a net/http program that flushes in vain.
package main

import (
	"io"
	"net/http"

	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
)

//go:wasmexport serve
func serve() { lanehttp.Handle(http.HandlerFunc(tick)) }

func tick(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "tick\n")
	http.NewResponseController(w).Flush()
	io.WriteString(w, "tock\n")
}

func main() {}
