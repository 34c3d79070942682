package server

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// closeSwept closes the listener and returns the connections that were complete
// and not yet accepted: close would reset them, and their clients have every
// reason to believe that they are served. No goroutine is waited for between the
// last accept and the close, so that hardly any can come in between.
func closeSwept(l *net.TCPListener) []*net.TCPConn {
	var fds []int
	if raw, err := l.SyscallConn(); err == nil {
		_ = raw.Control(func(listening uintptr) {
			for {
				fd, _, err := unix.Accept4(int(listening), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
				if err == unix.EINTR || err == unix.ECONNABORTED {
					continue
				}
				if err != nil {
					break
				}
				fds = append(fds, fd)
			}
			// Stops listening at once, where Close would first have to wait for the
			// end of this function.
			_ = unix.Shutdown(int(listening), unix.SHUT_RD)
		})
	}
	_ = l.Close()
	conns := make([]*net.TCPConn, 0, len(fds))
	for _, fd := range fds {
		file := os.NewFile(uintptr(fd), "")
		conn, err := net.FileConn(file) // a duplicate
		_ = file.Close()
		if err != nil {
			continue
		}
		conns = append(conns, conn.(*net.TCPConn))
	}
	return conns
}
