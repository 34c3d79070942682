package server

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// held is a request whose handler waits.
type held struct {
	conn    *Conn
	release func()
}

// hold starts a server whose handler waits until it is released.
func hold(t *testing.T, o Options) (*running, func() held) {
	arrived := make(chan held)
	over := make(chan struct{})
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		wait := make(chan struct{})
		arrived <- held{ConnOf(ctx.Conn()), func() { close(wait) }}
		select {
		case <-wait:
		case <-over:
		}
		ctx.SetBodyString("ok")
	}
	s := start(t, o)
	t.Cleanup(func() { close(over) })
	return s, func() held {
		t.Helper()
		select {
		case h := <-arrived:
			return h
		case <-time.After(patience):
			t.Fatal("no request arrived")
			return held{}
		}
	}
}

const simple = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func TestAlive(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(c *peer)
		want bool
	}{
		{"waiting", func(*peer) {}, true},
		{"sending on", func(c *peer) { c.send(simple) }, true},
		{"closed", func(c *peer) { _ = c.Close() }, false},
		{"half closed", func(c *peer) { closeWrite(c.t, c) }, false},
		{"reset", func(c *peer) {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, next := hold(t, options())
			client := s.dial()
			client.send(simple)
			h := next()
			if !h.conn.Alive() {
				t.Fatal("a waiting client is not alive")
			}
			c.do(client)
			if !c.want {
				s.until("sign that the client has gone", func() bool { return !h.conn.Alive() })
			} else if !h.conn.Alive() {
				t.Error("not alive")
			}
			// A look past the read deadline, as in a long stream.
			_ = h.conn.SetReadDeadline(time.Unix(1, 0))
			if got := h.conn.Alive(); got != c.want {
				t.Errorf("past the read deadline: %v", got)
			}
			h.release()
			if c.name == "sending on" {
				next().release()
			}
		})
	}
}

func TestAliveAfterClose(t *testing.T) {
	s, next := hold(t, options())
	client := s.dial()
	client.send("GET / HTTP/1.0\r\n\r\n")
	h := next()
	h.release()
	client.answer("GET")
	s.waitOpen(0)
	if h.conn.Alive() {
		t.Error("a closed connection is alive")
	}
}

func TestConnOf(t *testing.T) {
	if ConnOf(nil) != nil || ConnOf(&net.TCPConn{}) != nil {
		t.Error("found a connection where there is none")
	}
	c := new(Conn)
	if ConnOf(c) != c || ConnOf(tls.Server(c, nil)) != c || ConnOf(&tlsConn{Conn: tls.Server(c, nil)}) != c {
		t.Error("did not find the connection")
	}
	if ConnOf(tls.Server(&net.TCPConn{}, nil)) != nil {
		t.Error("found a connection below somebody else's TLS")
	}
}

// TestCloseReleasesOnce: however often a connection is closed.
func TestCloseReleasesOnce(t *testing.T) {
	o := options()
	o.Config.MaxConnectionsPerIP = 5
	s, next := hold(t, o)
	other := s.dial()
	other.send(simple)
	next()
	client := s.dial()
	client.send(simple)
	h := next()
	for range 3 {
		_ = h.conn.Close()
	}
	h.release()
	s.conns.mu.Lock()
	open, ofClient := len(s.conns.open), s.conns.byClient[h.conn.client]
	s.conns.mu.Unlock()
	if open != 1 || ofClient != 1 {
		t.Errorf("%d open, %d of the client, want 1", open, ofClient)
	}
	if _, err := client.tryAnswer("GET"); err == nil {
		t.Error("an answer over a closed connection")
	}
}

// upload is larger than what the socket buffers of both sides hold.
const upload = 64 << 20

// TestDiscardOnClose: a client sees the answer that comes while it uploads.
func TestDiscardOnClose(t *testing.T) {
	o := options()
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		ctx.SetStatusCode(413)
		ctx.SetConnectionClose()
		ConnOf(ctx.Conn()).DiscardOnClose()
	}
	s := start(t, o)
	for range 20 {
		c := s.dial()
		// The client has sent it all when the server closes: 200 KiB fit into the
		// buffers, and the server has read next to nothing of them.
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 204800\r\n\r\n" + strings.Repeat("x", 204800))
		if a := c.answer("POST"); a.StatusCode != 413 {
			t.Fatalf("got %d", a.StatusCode)
		}
		c.ended()
	}
	s.waitOpen(0)
}

// TestDiscardEnds: an upload without end does not hold the connection.
func TestDiscardEnds(t *testing.T) {
	o := options()
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		ctx.SetStatusCode(413)
		ctx.SetConnectionClose()
		ConnOf(ctx.Conn()).DiscardOnClose()
	}
	s := start(t, o)
	flood := s.dial()
	flood.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
	sent, err := io.CopyN(flood, zeros{}, upload)
	if err == nil || sent == upload {
		t.Errorf("the server took all of %d bytes", sent)
	}
	s.waitOpen(0)

	silent := s.dial()
	silent.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n" + strings.Repeat("x", 10<<10))
	if a := silent.answer("POST"); a.StatusCode != 413 {
		t.Errorf("got %d", a.StatusCode)
	}
	s.waitOpen(0) // after discardFor, though the client stays
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestDiscardIsForgotten: it holds for one request.
func TestDiscardIsForgotten(t *testing.T) {
	o := options()
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		c := ConnOf(ctx.Conn())
		if c.discard.Load() {
			ctx.SetStatusCode(500)
		}
		c.DiscardOnClose()
	}
	s := start(t, o)
	c := s.dial()
	for range 2 {
		if a := c.get(); a.StatusCode != 200 {
			t.Error("the mark outlived its request")
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	o := options()
	log := captureLog(&o)
	o.Handler = func(*fasthttp.RequestCtx) { panic("the secret reason") }
	s := start(t, o)
	c := s.dial()
	a := c.get()
	a.refused(t, 500, "internal error")
	if strings.Contains(a.text, "secret") {
		t.Errorf("the client sees the panic: %s", a.text)
	}
	if !strings.Contains(log.String(), "the secret reason") || !strings.Contains(log.String(), "conn_test.go") {
		t.Errorf("the log lacks the panic or its stack:\n%s", log)
	}
	c.ended()
}

func TestHeadTooLarge(t *testing.T) {
	s := start(t, options())
	for name, request := range map[string]string{
		"one endless header": "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 5000),
		"endless headers":    "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 1000),
		"endless target":     "GET /" + strings.Repeat("x", 5000),
		"endless first line": strings.Repeat("x", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			c := s.dial()
			c.send(request)
			c.answer("GET").refused(t, 431, "server.http_buffer_size, 4096 bytes")
			c.ended()
		})
	}
}

// TestBufferSize: it is the limit of the head, and the library's own.
func TestBufferSize(t *testing.T) {
	for _, size := range []int{1024, 16384} {
		o := options()
		o.Config.HTTPBufferSize = size
		s := start(t, o)
		if s.http.WriteBufferSize != size {
			t.Errorf("the library writes with %d bytes, want %d", s.http.WriteBufferSize, size)
		}
		c := s.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size-200) + "\r\n\r\n")
		if a := c.answer("GET"); a.StatusCode != 200 {
			t.Errorf("%d: got %d for a head that fits", size, a.StatusCode)
		}
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size) + "\r\n\r\n")
		if a := c.answer("GET"); a.StatusCode != 431 {
			t.Errorf("%d: got %d for a head that does not fit", size, a.StatusCode)
		}
	}
}

// TestNothingIsAdded: the library adds only what HTTP asks for.
func TestNothingIsAdded(t *testing.T) {
	o := options()
	s := start(t, o)
	a := s.dial().get()
	for _, name := range []string{"Date", "Content-Length"} {
		if a.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
		a.Header.Del(name)
	}
	if len(a.Header) > 0 {
		t.Errorf("headers %v", a.Header)
	}
	if !s.http.SecureErrorLogMessage {
		t.Error("errors of the library quote the request")
	}
}

// TestLibraryLogHidesRequests: what the library says of a broken request may
// quote it.
func TestLibraryLogHidesRequests(t *testing.T) {
	o := options()
	log := captureLog(&o)
	s := start(t, o)
	for _, head := range []string{"Authorization: sesame\x01", "sesame", " sesame: x", "X: y\r\nContent-Length: sesame", "sesame \x02: x"} {
		c := s.dial()
		c.send("GET /sesame\x01 HTTP/1.1\r\nHost: a\r\n\r\n")
		c.answer("GET")
		c = s.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\n" + head + "\r\n\r\n")
		if a := c.answer("GET"); a.StatusCode != 400 || strings.Contains(a.text, "sesame") {
			t.Errorf("%q: %d %s", head, a.StatusCode, a.text)
		}
	}
	s.waitOpen(0)
	if !strings.Contains(log.String(), "error when serving connection") || strings.Contains(log.String(), "sesame") {
		t.Errorf("the log holds no error, or a part of the request:\n%s", log)
	}
}
