package call

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// TestDeadline: it covers whatever the other side keeps the caller waiting for.
func TestDeadline(t *testing.T) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	for name, answer := range map[string]func(*script, *peer, int64){
		"no answer":    func(_ *script, p *peer, _ int64) { p.rest() },
		"half a head":  func(_ *script, p *peer, _ int64) { p.request(); p.send("HTTP/1.1 200"); p.rest() },
		"half a body":  func(_ *script, p *peer, _ int64) { p.request(); p.send(ok[:len(ok)-1]); p.rest() },
		"not reading":  func(_ *script, _ *peer, _ int64) { <-over },
		"slow dribble": func(_ *script, p *peer, _ int64) { p.request(); p.send("HTTP/1.1 200 OK\r\n"); dribble(p) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer)
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			r := doContext(ctx, newClient(t, Options{}), s.origin, "POST", "/", strings.Repeat("x", 16<<20))
			if !errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, ErrUnavailable) {
				t.Errorf("got %v", r.err)
			}
		})
	}
	t.Run("before the start", func(t *testing.T) {
		s := answering(t, ok)
		ctx, cancel := context.WithTimeout(context.Background(), 0)
		defer cancel()
		if r := doContext(ctx, newClient(t, Options{}), s.origin, "GET", "/", ""); !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("got %v", r.err)
		}
		if s.conns.Load() != 0 {
			t.Error("it connected")
		}
	})
}

func dribble(p *peer) {
	for {
		if _, err := io.WriteString(p, "X: y\r\n"); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// late is a context whose timer has not noticed yet that its deadline has passed.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

func TestEnded(t *testing.T) {
	if err := ended(late{context.Background()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := ended(context.Background()); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestCancel: it ends the wait at once, and the caller may use what is its own.
func TestCancel(t *testing.T) {
	s := serve(t, func(_ *script, p *peer, _ int64) {
		p.request()
		p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for {
			if _, err := io.WriteString(p, "3\r\nabc\r\n"); err != nil {
				return
			}
		}
	})
	c := newClient(t, Options{})
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	for range 50 {
		ctx, cancel := context.WithCancel(context.Background())
		req.Reset()
		req.SetRequestURI("/")
		before := s.requests.Load()
		go func() {
			for s.requests.Load() == before {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		err := c.Do(ctx, s.origin, true, req, resp)
		// The 16 MiB limit may come first when the machine is busy.
		if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		cancel()
		resp.SetBodyString("the caller's again")
	}
}

// TestEarlyAnswer: an answer that comes before the request has been taken is one.
func TestEarlyAnswer(t *testing.T) {
	s := serve(t, func(_ *script, p *peer, _ int64) {
		buf := make([]byte, 1024)
		_, _ = p.Read(buf)
		p.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		// Closing with unread data resets the connection.
	})
	for range 20 {
		r := do(newClient(t, Options{}), s.origin, "POST", "/", strings.Repeat("x", 16<<20))
		// The reset may overtake the answer; that is the other side's mistake.
		if r.err == nil {
			r.succeeded(t, 413, "big")
			return
		}
		r.failed(t, ErrUnavailable, "")
	}
	t.Error("never an answer")
}
