package call

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// patience bounds every wait of these tests. Only a test that fails waits so long.
const patience = 20 * time.Second

// script is a server that answers as a test tells it to.
type script struct {
	origin   string
	conns    atomic.Int64 // accepted
	requests atomic.Int64 // read whole
}

// serve starts a server. answer gets each connection, and the number of it from 1
// on; the connection ends when it returns.
func serve(t *testing.T, answer func(s *script, c *peer, n int64)) *script {
	t.Helper()
	return serveOn(t, listen(t), "http", answer)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serveOn(t *testing.T, l net.Listener, scheme string, answer func(s *script, c *peer, n int64)) *script {
	s := &script{origin: scheme + "://" + l.Addr().String()}
	over := make(chan struct{})
	running := make(chan struct{})
	go func() {
		defer close(running)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := s.conns.Add(1)
			done := make(chan struct{})
			go func() {
				defer close(done)
				answer(s, &peer{c, bufio.NewReader(c), s}, n)
				_ = c.Close()
			}()
			go func() {
				select {
				case <-over:
					_ = c.Close()
				case <-done:
				}
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		close(over)
		<-running
	})
	return s
}

// peer is the server's side of a connection.
type peer struct {
	net.Conn
	r *bufio.Reader
	s *script
}

// request reads a request; nil when the client has gone.
func (p *peer) request() *http.Request {
	r, err := http.ReadRequest(p.r)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	p.s.requests.Add(1)
	return r
}

func (p *peer) send(text string) { _, _ = io.WriteString(p.Conn, text) }

// rest waits until the client has gone.
func (p *peer) rest() { _, _ = io.Copy(io.Discard, p.r) }

// answering returns a server that reads each request and sends the same answer.
func answering(t *testing.T, text string) *script {
	return serve(t, func(_ *script, c *peer, _ int64) {
		for c.request() != nil {
			c.send(text)
		}
	})
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// newClient returns a client that the test closes.
func newClient(t *testing.T, o Options) *Client {
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// result is what became of a call.
type result struct {
	status int
	body   string
	header func(name string) string
	err    error
}

// do makes a call to a private address.
func do(c *Client, origin, method, path, body string) result {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return doContext(ctx, c, origin, method, path, body)
}

func doContext(ctx context.Context, c *Client, origin, method, path, body string) result {
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	req.Header.SetMethod(method)
	req.SetRequestURI(path)
	req.SetBodyString(body)
	err := c.Do(ctx, origin, true, req, resp)
	return result{resp.StatusCode(), string(resp.Body()), func(name string) string { return string(resp.Header.Peek(name)) }, err}
}

// failed checks that a call failed in this way and that its error says so.
func (r result) failed(t *testing.T, kind error, text string) {
	t.Helper()
	if !errors.Is(r.err, kind) || !strings.Contains(r.err.Error(), text) {
		t.Errorf("got %v, want %v with %q", r.err, kind, text)
	}
	for _, other := range []error{ErrUnavailable, ErrTooLarge, ErrDenied, ErrRequest} {
		if other != kind && errors.Is(r.err, other) {
			t.Errorf("%v is %v, too", r.err, other)
		}
	}
	if r.body != "" {
		t.Errorf("a body came with the error: %q", r.body)
	}
}

func (r result) succeeded(t *testing.T, status int, body string) {
	t.Helper()
	if r.err != nil || r.status != status || r.body != body {
		t.Errorf("got %d %q %v, want %d %q", r.status, r.body, r.err, status, body)
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// goroutines returns the stacks of the goroutines that run code of this package other
// than tests.
func goroutines() string {
	buf := make([]byte, 1<<20)
	var found []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "internal/call.") && !strings.Contains(stack, "testing.tRunner") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
