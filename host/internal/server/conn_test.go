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
