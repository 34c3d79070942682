package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// peer is a server on the loopback interface that answers as a test tells it to.
type peer struct {
	origin   string
	requests atomic.Int64
}

// serve starts a peer. answer gets each connection after a request was read from it,
// again for each request, until it returns false.
func serve(t *testing.T, answer func(c *net.TCPConn) bool) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{origin: "http://" + l.Addr().String()}
	var running sync.WaitGroup
	over := make(chan struct{})
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			done := make(chan struct{})
			running.Go(func() {
				select {
				case <-over:
				case <-done:
				}
				_ = c.Close()
			})
			running.Go(func() {
				defer close(done)
				r := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					p.requests.Add(1)
					if !answer(c.(*net.TCPConn)) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(over)
		running.Wait()
	})
	return p
}

func sends(text string) func(*net.TCPConn) bool {
	return func(c *net.TCPConn) bool {
		_, err := io.WriteString(c, text)
		return err == nil
	}
}

const (
	answersOK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	lastWords = "HTTP/1.1 200 OK\r\n"
)

// endless sends a text and then another one for ever.
func endless(first, again string) func(*net.TCPConn) bool {
	return func(c *net.TCPConn) bool {
		if _, err := io.WriteString(c, first); err != nil {
			return false
		}
		for {
			if _, err := io.WriteString(c, again); err != nil {
				return false
			}
		}
	}
}

// nobody is an origin where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestBadPeers: beside a target that works, one that misbehaves is no harm to what may
// be sent again, and what may not is an error, never another answer.
func TestBadPeers(t *testing.T) {
	closing := func(text string) func(*net.TCPConn) bool {
		return func(c *net.TCPConn) bool { sends(text)(c); return false }
	}
	for name, c := range map[string]struct {
		answer func(*net.TCPConn) bool
		get    error // nil: ok, from one or the other
		post   error
		bad    bool // it is ejected in the end
	}{
		"closes":               {closing(""), nil, call.ErrUnavailable, true},
		"resets":               {func(c *net.TCPConn) bool { _ = c.SetLinger(0); return false }, nil, call.ErrUnavailable, true},
		"half closes":          {func(c *net.TCPConn) bool { _ = c.CloseWrite(); return true }, nil, call.ErrUnavailable, true},
		"half an answer":       {closing(lastWords), nil, call.ErrUnavailable, true},
		"length too long":      {closing(lastWords + "Content-Length: 100\r\n\r\nok"), nil, call.ErrUnavailable, true},
		"length too short":     {sends(lastWords + "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), nil, nil, false},
		"length no number":     {sends(lastWords + "Content-Length: many\r\n\r\nok"), nil, call.ErrUnavailable, true},
		"length negative":      {closing(lastWords + "Content-Length: -2\r\n\r\nok"), nil, call.ErrUnavailable, true},
		"garbage":              {sends("\x16\x03\x01\x02\x00 no HTTP at all\r\n\r\n"), nil, call.ErrUnavailable, true},
		"another protocol":     {sends("SSH-2.0-OpenSSH_9.9\r\n\r\n"), nil, call.ErrUnavailable, true},
		"both framings":        {sends(lastWords + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), nil, nil, false},
		"both framings, lying": {closing(lastWords + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok"), nil, call.ErrUnavailable, true},
		"huge":                 {sends(lastWords + "Content-Length: 99999999999\r\n\r\nok"), call.ErrTooLarge, call.ErrTooLarge, false},
		"endless body":         {endless(lastWords+"Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n"), call.ErrTooLarge, call.ErrTooLarge, false},
		"endless head":         {endless(lastWords, "X: y\r\n"), call.ErrTooLarge, call.ErrTooLarge, false},
		"503":                  {sends("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nok"), nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := call.New(call.Options{MaxResponse: 1000})
			defer client.Close()
			bad, good := serve(t, c.answer), serve(t, sends(answersOK))
			v := newBench(t, client).of(bad.origin, good.origin)
			check := func(method string, want error) {
				t.Helper()
				for range 10 {
					r := do(v, method)
					switch {
					case r.err == nil && r.body != "ok":
						t.Fatalf("%s: got %d %q", method, r.status, r.body)
					case r.err != nil && (want == nil || !errors.Is(r.err, want)):
						t.Fatalf("%s: got %v, want %v", method, r.err, want)
					case method == "GET" && r.err == nil && r.status != 200 && want == nil:
						t.Fatalf("%s: got %d", method, r.status)
					}
				}
			}
			check("GET", c.get)
			if c.bad { // begin anew
				target := find(t, v, bad.origin)
				target.tried(worked, "")
			}
			check("POST", c.post)
			want := "healthy"
			if c.bad {
				want = "ejected"
			}
			if s := v.Status().Targets; s[0].State != want || s[1].State != "healthy" || s[0].Outstanding+s[1].Outstanding != 0 {
				t.Errorf("the targets are %+v", s)
			}
		})
	}
}

// TestUnreachable: where nobody listens, calls of any method go elsewhere.
func TestUnreachable(t *testing.T) {
	client := call.New(call.Options{})
	defer client.Close()
	good := serve(t, sends(answersOK))
	v := newBench(t, client).of(nobody(t), good.origin)
	for range 10 {
		do(v, "POST").succeeded(t, 200)
	}
	if s := v.Status().Targets[0]; s.State != "ejected" || !strings.Contains(s.Reason, "connection refused") {
		t.Errorf("%+v", s)
	}
	do(newBench(t, client).of(nobody(t)), "GET").failed(t, call.ErrNoConnection, "connection refused")
}

// TestSlowPeers: who does not answer takes the time that a try has, and what must not
// be sent twice waits until the deadline.
func TestSlowPeers(t *testing.T) {
	for name, answer := range map[string]func(*net.TCPConn) bool{
		"silent": func(*net.TCPConn) bool { return true },
		"trickles": func(c *net.TCPConn) bool {
			for _, b := range []byte(lastWords + strings.Repeat("x", 1<<20)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return false
				}
				time.Sleep(time.Millisecond)
			}
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := call.New(call.Options{})
			defer client.Close()
			slow, good := serve(t, answer), serve(t, sends(answersOK))
			b := newBench(t, client)
			b.limits.fair, b.limits.failures = 0, 1<<30 // it is asked again, however often it fails
			v := b.service(Settings{Targets: []string{slow.origin, good.origin}, Retries: 1, TryTimeout: 50 * time.Millisecond})
			// One is enough, but where this machine stands still the time is over before
			// anything is sent.
			waitFor(t, "GET that was sent to it", func() bool { do(v, "GET").succeeded(t, 200); return slow.requests.Load() > 0 })
			failures := &find(t, v, slow.origin).failures
			before, gets := failures.Load(), slow.requests.Load()
			waitFor(t, "POST that was sent to it", func() bool {
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
				defer cancel()
				r := doContext(ctx, v, "POST")
				if r.target == slow.origin && !errors.Is(r.err, context.DeadlineExceeded) {
					t.Errorf("got %v", r.err)
				}
				return r.target == slow.origin && slow.requests.Load() > gets
			})
			if after := failures.Load(); before == 0 || after <= before {
				t.Errorf("%d failures, and then %d", before, after)
			}
		})
	}
}

// TestStaleConnections: a target that closed a connection while it was idle has not
// failed.
func TestStaleConnections(t *testing.T) {
	client := call.New(call.Options{})
	defer client.Close()
	s := serve(t, func(c *net.TCPConn) bool { sends(answersOK)(c); return false })
	v := newBench(t, client).of(s.origin)
	for range 10 {
		do(v, "GET").succeeded(t, 200)
	}
	if got := v.Status().Targets[0]; got.State != "healthy" || got.Failures != 0 {
		t.Errorf("%+v", got)
	}
}

// TestChecks: a target is left out while its check fails, with what says so, and calls
// play no part in that.
func TestChecks(t *testing.T) {
	client := call.New(call.Options{})
	defer client.Close()
	var answer atomic.Value
	answer.Store(answersOK)
	one := serve(t, func(c *net.TCPConn) bool { return sends(answer.Load().(string))(c) })
	two := serve(t, sends(answersOK))
	b := newBench(t, client)
	v := b.service(Settings{Targets: []string{one.origin, two.origin}, Retries: 1, Check: "/ready", CheckInterval: patience})
	v.once.Do(func() {}) // this test looks itself
	look := func(within time.Duration, want string) {
		t.Helper()
		b.limits.checkMost = within
		v.checkAll(v.list.Load())
		if s := v.Status().Targets[0]; s.State != want {
			t.Errorf("it is %+v, want %s", s, want)
		}
	}
	look(patience, "healthy")
	for text, reason := range map[string]string{
		"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nok":    "check /ready: it answered 503",
		"HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nok": "check /ready: it answered 302",
		"nonsense\r\n\r\n": "check /ready: malformed answer",
		"":                 "check /ready: no answer within",
	} {
		answer.Store(text)
		within := patience
		if text == "" {
			within = 50 * time.Millisecond
		}
		look(within, "healthy") // once may be an accident
		look(within, "unhealthy")
		if s := v.Status().Targets[0]; !strings.HasPrefix(s.Reason, reason) {
			t.Errorf("it is %+v, want %q", s, reason)
		}
		if text != "" {
			do(v, "POST").succeeded(t, 200)
		}
		answer.Store(answersOK)
		look(patience, "healthy")
	}
	if b.log.count("WARN", "target fails its check", "service=user", "target="+one.origin) != 4 || b.log.count("INFO", "target passes its check again", "target="+one.origin) != 4 {
		t.Errorf("the log: %s", b.log)
	}
	// They come by themselves, and where all fail, one is tried.
	answer.Store("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nok")
	only := b.service(Settings{Name: "only", Targets: []string{one.origin}, Check: "/", CheckInterval: 2 * time.Millisecond})
	only.Start()
	before := one.requests.Load()
	waitFor(t, "more checks", func() bool { return one.requests.Load() > before+3 })
	waitFor(t, "unhealthy target", func() bool { return only.Status().Targets[0].Out() })
	do(only, "GET").succeeded(t, 404)
}
