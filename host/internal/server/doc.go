// Package server owns the listening socket, the connections on it and the HTTP
// library that serves them. It knows nothing of plugins: the host gives it a
// handler.
//
// # Caveats
//
// The HTTP library is given no write timeout and no connection limits, and its
// shutdown is not used to end connections. Conn renews the write deadline as
// long as the client takes data, the listener refuses what is over a limit with
// an answer in JSON, and Shutdown lets no client lose a request. In consequence
// the Done channel of a RequestCtx never closes: a handler that runs on at the end
// of the drain learns of it by Conn.Alive.
//
// What the library lets through and should not (both framings at once, HTTP/1.7,
// bare LF, folded headers) is for the handler to refuse; testdata/raw shows what
// it gets to see.
package server
