//go:build unix

package server

import "golang.org/x/sys/unix"

// Why a socket cannot be bound.
const (
	errAddressInUse   = unix.EADDRINUSE
	errAddressNotHere = unix.EADDRNOTAVAIL
)

// What ends an accept for now: no descriptor is free.
const (
	errProcessFull = unix.EMFILE
	errSystemFull  = unix.ENFILE
)
