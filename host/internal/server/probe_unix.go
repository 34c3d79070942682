//go:build unix

package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// What a look at the receiving side of a connection finds.
type peeked int

const (
	peekNothing peeked = iota // open, and nothing to read
	peekData
	peekEnd // the other side has ended or reset the connection, or we have
)

// peek looks whether there is something to read, without taking it and without
// waiting. It goes past the read deadline and past a read in progress.
func peek(c *net.TCPConn) peeked {
	raw, err := c.SyscallConn()
	if err != nil {
		return peekEnd
	}
	found := peekEnd
	if raw.Control(func(fd uintptr) { found = peekDescriptor(int(fd)) }) != nil {
		return peekEnd
	}
	return found
}

func peekDescriptor(fd int) peeked {
	var one [1]byte
	for {
		n, _, err := unix.Recvfrom(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return peekNothing
		case err != nil || n == 0:
			return peekEnd
		default:
			return peekData
		}
	}
}
