package call

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// idleConns counts the connections that wait.
func (c *Client) idleConns() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pools {
		n += len(p.idle)
	}
	return n
}

func TestReuse(t *testing.T) {
	s := answering(t, ok)
	c := newClient(t, Options{})
	for range 10 {
		do(c, s.origin, "POST", "/", "x").succeeded(t, 200, "ok")
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestNoReuse(t *testing.T) {
	for name, answer := range map[string]string{
		"asked to close":   "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":         "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"more than asked":  ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"body to a 204":    "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"broken in a body": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
	} {
		t.Run(name, func(t *testing.T) {
			s := answering(t, answer)
			c := newClient(t, Options{})
			for range 3 {
				if r := do(c, s.origin, "GET", "/", ""); r.body == "evil" {
					t.Error("took for an answer what was sent before the request")
				}
			}
			if n := s.conns.Load(); n != 3 {
				t.Errorf("%d connections, want 3", n)
			}
		})
	}
}

// stuck is what TLS is over a connection that takes nothing more: Close waits for room
// for the last words.
type stuck struct {
	net.Conn
	room chan struct{}
}

func (s *stuck) Close() error {
	<-s.room
	return s.Conn.Close()
}

// TestStuckWhileIdle: a peer that answers and reads no more does not hold up the calls
// to others, when the connection to it ends.
func TestStuckWhileIdle(t *testing.T) {
	s, other := answering(t, ok), answering(t, ok)
	c := newClient(t, Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	room := make(chan struct{})
	t.Cleanup(func() { close(room) })
	c.mu.Lock()
	for _, p := range c.pools {
		for _, conn := range p.idle {
			conn.Conn = &stuck{conn.Conn, room}
		}
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.CloseIdle(Peer{Origin: s.origin, Private: true})
		do(c, other.origin, "GET", "/", "").succeeded(t, 200, "ok")
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("a call waits for a connection that is closed")
	}
}

// TestLateRest: what arrives after the answer, unasked, ends the connection.
func TestLateRest(t *testing.T) {
	sent := make(chan struct{}, 1)
	more := make(chan struct{})
	s := serve(t, func(_ *script, p *peer, n int64) {
		for p.request() != nil {
			p.send(ok)
			if n == 1 {
				<-more
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				sent <- struct{}{}
			}
		}
	})
	c := newClient(t, Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	close(more)
	<-sent
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	if n := s.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// TestClosedWhileIdle: a connection whose end is known is not used, not even for a
// POST.
func TestClosedWhileIdle(t *testing.T) {
	closed := make(chan struct{}, 1)
	s := serve(t, func(_ *script, p *peer, n int64) {
		p.request()
		p.send(ok)
		_ = p.Close()
		closed <- struct{}{}
	})
	c := newClient(t, Options{})
	for i := range 5 {
		do(c, s.origin, "POST", "/", "x").succeeded(t, 200, "ok")
		<-closed
		if n := s.requests.Load(); n != int64(i+1) {
			t.Errorf("%d requests arrived after %d calls", n, i+1)
		}
	}
}

// stale returns a server that answers the first request of its first connection
// and ends it without an answer when the next has arrived: what a client sees of a
// connection that the other side gives up at the same moment.
func stale(t *testing.T) *script {
	return serve(t, func(_ *script, p *peer, n int64) {
		p.request()
		p.send(ok)
		p.request()
		if n > 1 {
			p.send(ok)
		}
	})
}

func TestStale(t *testing.T) {
	for _, c := range []struct {
		method string
		again  bool
	}{{"GET", true}, {"HEAD", true}, {"PUT", true}, {"DELETE", true}, {"OPTIONS", true}, {"POST", false}, {"PATCH", false}} {
		t.Run(c.method, func(t *testing.T) {
			s := stale(t)
			client := newClient(t, Options{})
			do(client, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
			r := do(client, s.origin, c.method, "/", "")
			requests := s.requests.Load()
			switch {
			case c.again && (r.err != nil || requests != 3):
				t.Errorf("%v after %d requests, want an answer to the third", r.err, requests)
			case !c.again:
				r.failed(t, ErrUnavailable, "no answer")
				if requests != 2 {
					t.Errorf("%d requests: it was sent again", requests)
				}
			}
		})
	}
}

// TestStaleOnce: one repetition, not more.
func TestStaleOnce(t *testing.T) {
	s := serve(t, func(s *script, p *peer, n int64) {
		if n == 1 {
			p.request()
			p.send(ok)
		}
		p.request()
	})
	c := newClient(t, Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	do(c, s.origin, "GET", "/", "").failed(t, ErrUnavailable, "no answer")
	if n := s.requests.Load(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

// TestStaleWithPartOfAnAnswer: then it is not sent again.
func TestStaleWithPartOfAnAnswer(t *testing.T) {
	s := serve(t, func(s *script, p *peer, n int64) {
		p.request()
		p.send(ok)
		p.request()
		p.send("H")
	})
	c := newClient(t, Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	do(c, s.origin, "GET", "/", "").failed(t, ErrUnavailable, "broke off")
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	gone := make(chan struct{}, 1)
	s := serve(t, func(_ *script, p *peer, _ int64) {
		p.request()
		p.send(ok)
		p.rest()
		gone <- struct{}{}
	})
	c := newClient(t, Options{IdleTimeout: 20 * time.Millisecond})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	<-gone
	waitFor(t, "end of the pool", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.pools) == 0 && c.timer == nil
	})
}

func TestClose(t *testing.T) {
	gone := make(chan struct{}, 2)
	s := serve(t, func(_ *script, p *peer, _ int64) {
		for p.request() != nil {
			p.send(ok)
		}
		gone <- struct{}{}
	})
	c := New(Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	if n := c.idleConns(); n != 1 {
		t.Errorf("%d idle, want 1", n)
	}
	c.Close()
	<-gone
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok") // still works
	<-gone
	c.Close()
	if n := c.idleConns(); n != 0 || len(c.pools) != 0 {
		t.Errorf("%d idle and %d pools after Close", n, len(c.pools))
	}
}

// TestMaxConns: a call waits for a connection, under its deadline.
func TestMaxConns(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(_ *script, p *peer, _ int64) {
		for p.request() != nil {
			arrived <- struct{}{}
			<-release
			p.send(ok)
		}
	})
	c := newClient(t, Options{MaxConns: 1})
	first := make(chan result, 1)
	go func() { first <- do(c, s.origin, "GET", "/", "") }()
	<-arrived
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if r := doContext(ctx, c, s.origin, "GET", "/", ""); !errors.Is(r.err, context.DeadlineExceeded) {
		t.Errorf("got %v", r.err)
	}
	close(release)
	(<-first).succeeded(t, 200, "ok")
	go func() { <-arrived }()
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
}

// TestMaxOrigins: the oldest unused one is forgotten; while all are in use there
// is no room.
func TestMaxOrigins(t *testing.T) {
	s := answering(t, ok)
	c := newClient(t, Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	held := make([]*pool, 0, maxOrigins)
	for i := range maxOrigins {
		p, err := c.enter(c.target(&Peer{Origin: fmt.Sprintf("http://h%d", i), Private: true}))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, p)
	}
	if n := c.idleConns(); n != 0 {
		t.Errorf("%d idle connections of a forgotten origin", n)
	}
	do(c, s.origin, "GET", "/", "").failed(t, ErrUnavailable, "1024 other origins")
	for _, p := range held {
		c.leave(p)
	}
	if len(c.pools) != 0 {
		t.Errorf("%d pools", len(c.pools))
	}
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
}

// TestPublicDoesNotShare: a connection made with private addresses allowed is not
// used by a call that may reach public ones only.
func TestPublicDoesNotShare(t *testing.T) {
	s := answering(t, ok)
	c := newClient(t, Options{})
	do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	doPublic(t, c, s.origin).failed(t, ErrDenied, "is not a public address")
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestLeaks: nothing stays behind, whatever became of the calls.
func TestLeaks(t *testing.T) {
	t.Run("calls", func(t *testing.T) {
		good := answering(t, ok)
		slow := serve(t, func(_ *script, p *peer, _ int64) { p.rest() })
		bad := answering(t, "nonsense\r\n\r\n")
		c := New(Options{})
		for range 10 {
			do(c, good.origin, "GET", "/", "").succeeded(t, 200, "ok")
			do(c, bad.origin, "GET", "/", "").failed(t, ErrUnavailable, "malformed")
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			doContext(ctx, c, slow.origin, "GET", "/", "")
			cancel()
		}
		c.Close()
		// The servers' sides are at their end when the clients' are.
		waitFor(t, "end of the connections", func() bool {
			return !strings.Contains(goroutines(), "(*peer).")
		})
	})
	waitFor(t, "end of the goroutines", func() bool { return goroutines() == "" })
}
