package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// patience bounds every wait of these tests. Only a test that fails waits so long.
const patience = 20 * time.Second

// options returns a server's options: the defaults on a free port of the loopback
// interface, a handler that answers "ok", and errors as the host writes them.
func options() Options {
	cfg := config.Defaults().Server
	cfg.Listen = "127.0.0.1:0"
	return Options{
		Config:    cfg,
		Handler:   func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("ok") },
		Error:     writeError,
		RequestID: func() string { return "id-of-the-test" },
		Log:       slog.New(slog.DiscardHandler),
	}
}

func writeError(ctx *fasthttp.RequestCtx, status int, message string) {
	ctx.Response.Reset()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	text, _ := json.Marshal(message)
	ctx.SetBodyString(fmt.Sprintf("{\"error\": %s, \"request_id\": \"id-of-the-test\"}\n", text))
}

// logText is what a server has logged so far.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *logText) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *logText) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// captureLog has a server log into the returned text.
func captureLog(o *Options) *logText {
	w := new(logText)
	o.Log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return w
}

// running is a server that serves.
type running struct {
	*Server
	t    *testing.T
	addr string
	done chan error // what Serve returned
}

// start starts a server and ends it with the test.
func start(t *testing.T, o Options) *running {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Server: s, t: t, addr: addr.String(), done: make(chan error, 1)}
	go func() { r.done <- s.Serve() }()
	t.Cleanup(r.stop)
	return r
}

// stop ends the server and whatever is still connected to it.
func (r *running) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.Shutdown(ctx)
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("Serve returned %v, want nil", err)
		}
	case <-time.After(patience):
		r.t.Error("Serve did not return after Shutdown")
	}
	r.waitOpen(0)
}

// dial connects to the server.
func (r *running) dial() *peer {
	r.t.Helper()
	c, err := net.DialTimeout("tcp", r.addr, patience)
	if err != nil {
		r.t.Fatal(err)
	}
	return newClient(r.t, c)
}

// waitOpen waits until that many connections are open.
func (r *running) waitOpen(n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d open connections", n), func() bool { return r.Stats().Open == n })
}

func (r *running) until(what string, done func() bool) {
	r.t.Helper()
	waitFor(r.t, what, done)
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// peer is one connection of a client.
type peer struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func newClient(t *testing.T, c net.Conn) *peer {
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &peer{c, t, bufio.NewReader(c)}
}

func (c *peer) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// get sends a request and returns its answer.
func (c *peer) get() answer {
	c.t.Helper()
	c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	return c.answer("GET")
}

// answer is a response that has been read whole.
type answer struct {
	*http.Response
	text string
}

// answer reads the next response.
func (c *peer) answer(method string) answer {
	c.t.Helper()
	a, err := c.tryAnswer(method)
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	return a
}

func (c *peer) tryAnswer(method string) (answer, error) {
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

// refused checks an error answer.
func (a answer) refused(t *testing.T, status int, message string) {
	t.Helper()
	var body struct {
		Error     string `json:"error"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(a.text), &body); err != nil {
		t.Fatalf("the answer %d %q is no JSON: %v", a.StatusCode, a.text, err)
	}
	if a.StatusCode != status || !strings.Contains(body.Error, message) || body.RequestID != "id-of-the-test" {
		t.Errorf("got %d %s, want %d with %q", a.StatusCode, a.text, status, message)
	}
	if ct := a.Header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type is %q", ct)
	}
}

// ended checks that the server has ended the connection, with no byte more and
// without a reset.
func (c *peer) ended() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if err != nil || len(rest) > 0 {
		c.t.Errorf("want the end of the connection, got %q and %v", rest, err)
	}
}

// need skips a test that lacks a program, except in CI.
func need(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// descriptors counts the open ones. -1: cannot tell.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// goroutines counts those that run code of this module or of the HTTP library's
// connections.
func goroutines() (n int, stacks string) {
	buf := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		// The library's pool has one goroutine that only cleans up now and then.
		if strings.Contains(stack, "internal/server.") && !strings.Contains(stack, "testing.tRunner") ||
			strings.Contains(stack, "serveConn") {
			n++
			stacks += stack + "\n\n"
		}
	}
	return n, stacks
}
