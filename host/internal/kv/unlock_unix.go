//go:build unix && !solaris && !aix

package kv

import (
	"os"
	"syscall"
)

// unlock releases bbolt's lock on the file. Closing is not enough while a mapping
// of the file is left.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
