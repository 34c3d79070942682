// Package lanehttp runs an ordinary net/http handler as a plugin: a handler, a
// ServeMux, or whatever a router of your choice makes of them.
//
//	package main
//
//	import (
//		"fmt"
//		"net/http"
//
//		"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
//	)
//
//	func init() {
//		http.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
//			fmt.Fprintf(w, "Hello, %s!\n", r.PathValue("name"))
//		})
//	}
//
//	//go:wasmexport serve
//	func serve() { lanehttp.Handle(nil) } // nil is http.DefaultServeMux
//
//	func main() {}
//
// and in host.toml a route that takes every path and method:
//
//	[[route]]
//	path    = "/{path...}"
//	handler = "NAME.serve"
//
// # Every request starts afresh
//
// Register handlers, parse templates and compile expressions in func init or
// package variables: that runs once, and every request starts from the memory as
// it was then, with the mux ready. What a request leaves in variables is gone with
// it: counters, caches and sessions in memory work in a server and not here. Keep
// them in wasmlane.KV.
//
// # What a handler gets
//
// The request is as net/http's server makes it, with these differences:
//
//   - RemoteAddr has port 0: the host tells the address only.
//   - PathValue knows the {names} of the route in host.toml, too. Those of a
//     ServeMux pattern come first.
//   - Under https TLS is not nil, but says nothing more than that.
//   - The context ends when the handler returns, or when a write finds that the
//     client has gone or the deadline is over. It has no deadline of its own: the
//     host ends a handler that takes too long.
//   - The body has been received whole before the handler runs, under max_body.
//     ParseMultipartForm has no disk to put what is over its limit on.
//
// The ResponseWriter does what net/http's does: the first Write sends status 200
// unless another was set, the header counts as it is at that moment, and a missing
// Content-Type is found by looking at the body. What differs:
//
//   - Content-Length, Date, Server, Connection and its like are the host's; what
//     a handler sets is left out. A Content-Length that the body does not have is
//     an error as it is in net/http.
//   - There are no trailers, no informational answers (1xx), and no Hijacker. A
//     status of 600 and more ends the request with 500.
//   - It is a Flusher only with [HandleStreaming].
//
// A panic ends the request with 500, or cuts the connection when part of the
// answer was flushed, and so does http.ErrAbortHandler.
//
// A plugin can use net/http and the rest of the SDK side by side: wasmlane.KV,
// Call, Log and Config work in a handler, and [Request] gives the host's view of
// the request. An http.Client does not work, for there are no sockets; use
// wasmlane.Call.
package lanehttp
