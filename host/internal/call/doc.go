// Package call sends requests to other hosts, on behalf of plugins.
//
// # Caveats
//
// The HTTP library's own client is not used, only its parser: it sends a PUT
// again after half an answer has come, keeps bytes that were not asked for out
// of sight and the connection in use, and cannot be interrupted. Here a request
// is sent a second time only when it is idempotent, went over a connection that
// had been idle, and not a byte of an answer has come back. A POST is never sent
// twice.
//
// A call is one request: redirects are the caller's to follow, see [NextHop]. No
// environment variable names a proxy.
package call
