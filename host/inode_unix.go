//go:build unix

package host

import (
	"io/fs"
	"syscall"
)

// inode returns the number of a file's inode, 0 when it has none.
func inode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Ino)
	}
	return 0
}
