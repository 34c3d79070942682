package server

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestSweep: connections that are complete when the listener closes are served.
func TestSweep(t *testing.T) {
	o := options()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Server: s, t: t, addr: addr.String(), done: make(chan error, 1)}
	clients := make([]*peer, 20)
	for i := range clients {
		clients[i] = r.dial()
		clients[i].send("GET / HTTP/1.0\r\n\r\n")
	}
	_ = s.listener.Close() // before the first accept
	go func() { r.done <- s.Serve() }()
	for i, c := range clients {
		a, err := c.tryAnswer("GET")
		if err != nil || a.StatusCode != 200 {
			t.Fatalf("client %d of %d in the queue: %v", i, len(clients), err)
		}
	}
	r.stop()
	if got := s.Stats(); got.Accepted != uint64(len(clients)) {
		t.Errorf("%+v", got)
	}
}

// TestSweptConnectionsAreSetUp: they come past Go's own accept, which applies
// keep-alive.
func TestSweptConnectionsAreSetUp(t *testing.T) {
	o := options()
	o.Config.NoDelay = false
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Server: s, t: t, addr: addr.String()}
	r.dial()
	_ = s.listener.Close()
	conn, err := s.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, c := range []struct{ level, option, want int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 0},
	} {
		if got := getsockopt(t, ConnOf(conn), c.level, c.option); got != c.want {
			t.Errorf("option %d is %d, want %d", c.option, got, c.want)
		}
	}
}
