//go:build unix

package server

import "golang.org/x/sys/unix"

const errPermission = unix.EACCES
