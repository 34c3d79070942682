// Package host is Wasmlane: an HTTP server whose handlers are WebAssembly
// plugins, described by one file, host.toml.
//
// The command of the same repository is a thin wrapper around it. A program that
// wants to serve plugins beside other things opens a host and mounts its
// handler in a fasthttp server of its own:
//
//	h, err := host.Open("host.toml", host.Options{})
//	if err != nil {
//		log.Fatal(err) // every error of host.toml, one a line
//	}
//	defer h.Close()
//	server := &fasthttp.Server{Handler: h.Handler(), StreamRequestBody: true}
//
// or leaves listening, watching the files and draining to [Host.Run].
package host
