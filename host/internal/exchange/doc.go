// Package exchange is one request and its response, and the imports through
// which a guest reaches them.
//
// An Exchange is taken from a pool, begun from a connection ([Exchange.Begin]),
// from another exchange's call ([Exchange.BeginCall]) or without any request for
// the time a plugin initialises ([NewInit]), served, and released.
//
// # Caveats
//
// Everything an Exchange holds of its request aliases buffers of the connection
// or of a calling guest's memory. Nothing of it may be kept past Release without
// a copy; log lines, metric labels and waiters included.
//
// An Exchange belongs to one goroutine at a time. The one exception is a
// response that streams, see [Stream].
package exchange
