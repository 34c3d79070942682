//go:build !unix || solaris || aix

package kv

import "os"

// unlock releases bbolt's lock on the file; here closing it does.
func unlock(*os.File) {}
