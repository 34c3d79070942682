//go:build unix

package call

import (
	"net"
	"syscall"
)

// silent reports whether there is neither data nor the end to be read from a
// connection, without waiting. Data is taken: the connection is then of no use.
func silent(c *net.TCPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, err := syscall.Read(int(fd), one[:])
		quiet = err == syscall.EAGAIN || err == syscall.EINTR
		return true // not ready or not: do not wait
	})
	return err == nil && quiet
}
