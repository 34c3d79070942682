//go:build !unix

package server

import "net"

// What a look at the receiving side of a connection finds.
type peeked int

const (
	peekNothing peeked = iota
	peekData
	peekEnd
)

// peek cannot look without taking here.
func peek(*net.TCPConn) peeked { return peekNothing }
