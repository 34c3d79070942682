//go:build unix

package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quickWriter writes what the kernel takes at once, without a deadline: nearly all
// answers fit into a socket's buffer, and setting a deadline for each of them takes
// longer than the rest of the bookkeeping.
type quickWriter struct {
	raw syscall.RawConn    // nil: nothing is written
	do  func(uintptr) bool // w.attempt, made once

	rest []byte // what is left to write
	err  error
}

func (w *quickWriter) open(tcp *net.TCPConn) {
	if raw, err := tcp.SyscallConn(); err == nil {
		w.raw, w.do = raw, w.attempt
	}
}

// write returns how much of p the kernel has taken. Less than all of it is no
// error: the caller goes on in the way that waits.
func (w *quickWriter) write(p []byte) (int, error) {
	if w.raw == nil {
		return 0, nil
	}
	w.rest, w.err = p, nil
	err := w.raw.Write(w.do)
	n := len(p) - len(w.rest)
	w.rest = nil
	if w.err != nil {
		err = w.err
	}
	return n, err
}

// attempt never asks to be called again, so that nothing waits.
func (w *quickWriter) attempt(fd uintptr) bool {
	for len(w.rest) > 0 {
		n, err := unix.Write(int(fd), w.rest)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return true
		case err != nil:
			w.err = err
			return true
		default:
			w.rest = w.rest[n:]
		}
	}
	return true
}
