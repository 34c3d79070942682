//go:build !unix

package server

import "syscall"

// Why a socket cannot be bound. The numbers are those of Winsock.
const (
	errAddressInUse   = syscall.Errno(10048)
	errAddressNotHere = syscall.Errno(10049)
)

// What ends an accept for now: no descriptor is free.
const (
	errProcessFull = syscall.EMFILE
	errSystemFull  = syscall.ENFILE
)
