// Command streaming is a net/http program that flushes, and may.
package main

import (
	"io"
	"net/http"

	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
)

//go:wasmexport serve
func serve() { lanehttp.HandleStreaming(http.HandlerFunc(tick)) }

func tick(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "tick\n")
	http.NewResponseController(w).Flush()
	io.WriteString(w, "tock\n")
}

func main() {}
