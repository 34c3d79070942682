package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsent returns how many bytes the kernel holds that the client has not
// acknowledged, or -1.
func unsent(c *net.TCPConn) int {
	queued := -1
	onDescriptor(c, func(fd int) {
		if n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil {
			queued = n
		}
	})
	return queued
}

// hungUp reports whether the client has ended its sending side, even when there
// is something left to read.
func hungUp(c *net.TCPConn) bool {
	over := true
	onDescriptor(c, func(fd int) {
		set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(set, 0)
		over = err == nil && n > 0
	})
	return over
}

// onDescriptor runs f unless the connection is closed.
func onDescriptor(c *net.TCPConn, f func(fd int)) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
