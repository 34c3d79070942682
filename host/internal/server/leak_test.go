package server

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestNothingIsLeftBehind: after clients of every kind, no connection, goroutine
// or descriptor stays.
func TestNothingIsLeftBehind(t *testing.T) {
	before := descriptors()
	o := options()
	o.Config.MaxConnections = 40
	s := start(t, o)
	kinds := []func(c net.Conn){
		func(c net.Conn) {},
		func(c net.Conn) { _, _ = io.WriteString(c, simple) },
		func(c net.Conn) { _, _ = io.WriteString(c, "GET / HT") },
		func(c net.Conn) { _, _ = io.WriteString(c, "nonsense\r\n\r\n") },
		func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		func(c net.Conn) {
			_, _ = io.WriteString(c, simple+simple)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		},
		func(c net.Conn) {
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 1000))
		},
	}
	var clients sync.WaitGroup
	for i := range 8 * len(kinds) {
		clients.Go(func() {
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			kinds[i%len(kinds)](c)
			_ = c.Close()
		})
	}
	clients.Wait()
	s.until("answers to the refused", func() bool { return len(s.goodbye) == 0 })
	s.stop()
	var stacks string
	waitFor(t, "end of the goroutines", func() bool {
		var n int
		n, stacks = goroutines()
		return n == 0
	})
	if t.Failed() {
		t.Log(stacks)
	}
	if runtime.GOOS == "linux" {
		waitFor(t, "end of the descriptors", func() bool { return descriptors() <= before })
	}
	s.done <- nil // for the cleanup
}
