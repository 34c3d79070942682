package server

import (
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// TestHurry: a connection that has begun a request is not disturbed, one that has
// not ends.
func TestHurry(t *testing.T) {
	s := start(t, options())
	c := s.dial()
	c.get()
	hurry := func(state fasthttp.ConnState) {
		var conn *Conn
		s.conns.each(func(c *Conn) { conn = c })
		s.until("state", func() bool {
			conn.mu.Lock()
			defer conn.mu.Unlock()
			return conn.state == state
		})
		conn.hurry(time.Now(), 0)
		conn.mu.Lock()
		defer conn.mu.Unlock()
		if want := state == fasthttp.StateIdle; conn.hurried != want {
			t.Errorf("state %v: hurried is %v", state, conn.hurried)
		}
	}
	c.send("GET / HT")
	hurry(fasthttp.StateActive)
	c.send("TP/1.1\r\nHost: a\r\n\r\n")
	if a := c.answer("GET"); a.StatusCode != 200 {
		t.Fatalf("got %d", a.StatusCode)
	}
	hurry(fasthttp.StateIdle)
	c.ended()
}

// TestReprieve: a request that arrives together with the end of the wait for it
// is answered.
func TestReprieve(t *testing.T) {
	conn, clientSide := accepted(t)
	server := conn.tcp
	if _, err := clientSide.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "data", func() bool { return peek(server) == peekData })
	conn.hurry(time.Now(), 0)
	buf := make([]byte, 8)
	if n, err := conn.Read(buf); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	conn.hurry(time.Now(), 0)
	if n, err := conn.Read(buf); n != 0 || err == nil {
		t.Errorf("read %d, %v, want the end of the wait", n, err)
	}
	// The rest of a first request whose first byte came before the end of the wait.
	conn.setState(fasthttp.StateActive)
	if conn.hurried {
		t.Error("the end of the wait outlived the wait")
	}
	if _, err := clientSide.Write([]byte("y")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(buf); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

// accepted returns a connection that no server serves, and its other end.
func accepted(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	tcp, clientSide := tcpPair(t)
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	return &Conn{tcp: tcp, server: s, since: time.Now()}, clientSide
}

// tcpPair returns both ends of a connection.
func tcpPair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = dialled.Close(), accepted.Close() })
	return accepted.(*net.TCPConn), dialled.(*net.TCPConn)
}
