package main

import (
	"fmt"
	"net/http"

	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
)

func init() {
	http.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s!\n", r.PathValue("name"))
	})
}

//go:wasmexport serve
func serve() { lanehttp.Handle(nil) } // nil is http.DefaultServeMux

func main() {}
