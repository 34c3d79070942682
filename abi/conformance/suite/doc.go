// Package suite plays cases, kept as files, against plugins in a real host: it
// starts the host in this process and asks it over TCP. The conformance suite
// uses it, and so do the tests of the examples.
package suite
