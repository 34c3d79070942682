// Package server owns the listening socket, the connections on it and the HTTP
// library that serves them. It knows nothing of plugins: the host gives it a
// handler.
//
// # Caveats
//
// The HTTP library is given no write timeout and no connection limits, and its
// shutdown is not used to end connections. Conn renews the write deadline as
// long as the client takes data, the listener refuses what is over a limit with
// an answer in JSON, and Shutdown lets no client lose a request.
package server
