package host

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Calls over the network, to a real server on the loopback interface.

// remote is another host, and what it was asked.
func remote(t *testing.T, handler http.HandlerFunc) (origin string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// refusing is an origin where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestCallRemote: the other side gets the request as the guest wrote it, with the
// id and the trace of the caller's, and nothing else.
func TestCallRemote(t *testing.T) {
	var mirrored atomic.Value
	origin := remote(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		// What is left of two seconds is for services only.
		left, err := strconv.Atoi(r.Header.Get("X-Envoy-Expected-Rq-Timeout-Ms"))
		if service := r.RequestURI != "/out" && r.RequestURI != "/up"; service && (err != nil || left <= 0 || left > 2000) || !service && err == nil {
			t.Errorf("%s: the time left is %d, %v", r.RequestURI, left, err)
		}
		r.Header.Del("X-Envoy-Expected-Rq-Timeout-Ms")
		mirrored.Store(fmt.Sprintf("%s %s %q %v", r.Method, r.RequestURI, body, r.Header))
		w.Header()["X-Reply"] = []string{"one", "two"}
		w.Header()["Content-Type"] = nil
		w.WriteHeader(203)
		fmt.Fprint(w, "the answer")
	})
	front := newGuest()
	front.on("ask", front.calls("ext", "POST /a%2Fb/../c?q=1\nX-Extra: e\nContent-Type: text/x\n", "the body"), front.relay())
	front.on("bare", front.calls("ext", "GET /\n", ""), front.relay())
	front.on("headers", front.calls("ext", "GET /\n", ""),
		front.echo("call_header", wasmtest.LocalGet(0), "x-reply", 1), front.tell(front.get("call_header", wasmtest.LocalGet(0), "content-type", 0, 0, 0)))
	front.on("outside", front.calls(origin, "GET /out\n", ""), front.relay())
	front.on("upper", front.calls(strings.ToUpper(origin)+"/", "GET /up\n", ""), front.relay())
	front.on("connect", front.tell(front.get("call", "ext", "CONNECT /\n", "")))
	r := start(t, setup{
		keys: fmt.Sprintf(`
			plugin.front.calls = ["ext"]
			plugin.front.outbound = [%q]
			service.ext.targets = [%q]`, origin, origin),
		guests: map[string]*guest{"front": front},
	})
	for path, want := range map[string]string{
		"/front/ask":     `POST /a%2Fb/../c?q=1 "the body" map[Content-Length:[8] Content-Type:[text/x] Traceparent:[00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01] X-Extra:[e] X-Request-Id:[outer]]`,
		"/front/bare":    `GET / "" map[Traceparent:[00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01] X-Request-Id:[outer]]`,
		"/front/outside": `GET /out "" map[Traceparent:[00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01] X-Request-Id:[outer]]`,
		"/front/upper":   `GET /up "" map[Traceparent:[00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01] X-Request-Id:[outer]]`,
	} {
		a := r.ask("GET", path, "", "X-Request-Id: outer", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		if a.status != 203 || a.body != "the answer" {
			t.Errorf("%s got %v", path, a)
		}
		if got := mirrored.Load(); got != want {
			t.Errorf("%s: the other side got\n%s, want\n%s", path, got, want)
		}
	}
	if a := r.get("/front/headers"); a.body != "two\xff\xff\xff\xff" {
		t.Errorf("the headers are %q", a.body)
	}
	if n := r.get("/front/connect").numbers(); len(n) != 1 || n[0] != -2 {
		t.Errorf("CONNECT is %d, want INVALID", n)
	}
}

// TestCallRemoteFails: each way to fail has its code, and a line in the log.
func TestCallRemoteFails(t *testing.T) {
	hang := make(chan struct{})
	large := remote(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 2000)) })
	cut := remote(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "not 100")
		panic(http.ErrAbortHandler)
	})
	slow := remote(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hang) })
	nobody := refusing(t)
	front := newGuest()
	for _, target := range []string{"nobody", "large", "cut", "slow"} {
		front.on(target, front.tell(front.get("call", target, "GET /\n", "")))
	}
	front.on("outside", front.tell(front.get("call", nobody, "GET /\n", "")))
	front.on("private", front.tell(front.get("call", "http://name.invalid", "GET /\n", "")))
	r := start(t, setup{
		keys: fmt.Sprintf(`
			server.max_response = 1000
			plugin.front.calls = ["nobody", "large", "cut", "slow"]
			plugin.front.outbound = [%q, "http://name.invalid"]
			plugin.front.timeout = "20s"
			service.nobody.targets = [%q]
			service.large.targets = [%q]
			service.cut.targets = [%q]
			service.slow.targets = [%q]`, nobody, nobody, large, cut, slow),
		guests: map[string]*guest{"front": front},
		routes: `GET /hurry front.slow timeout = "100ms"`,
	})
	for handler, want := range map[string]int32{"nobody": -5, "outside": -5, "large": -6, "cut": -5, "private": -5} {
		a := r.get("/front/" + handler)
		if n := a.numbers(); len(n) != 1 || n[0] != want {
			t.Errorf("%s is %d, want %d", handler, n, want)
		}
		r.logged("call failed", "request_id", a.header.Get("X-Request-Id"), "plugin", "front", "handler", handler, "target", "http://")
	}
	if a := r.get("/hurry"); a.status != 504 && a.body != "\xfc\xff\xff\xff" {
		t.Errorf("a call past the deadline got %v", a)
	}

	// A client that goes away ends the call, too.
	c := r.dial()
	c.get("/front/slow", "")
	r.inside("front", 1)
	_ = c.Close()
	r.inside("front", 0)
}

// TestCallRemoteInTurn: several targets are asked in turn, over connections that
// are kept.
func TestCallRemoteInTurn(t *testing.T) {
	var conns atomic.Int32
	count := func(s *httptest.Server) *httptest.Server {
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns.Add(1)
			}
		}
		s.Start()
		t.Cleanup(s.Close)
		return s
	}
	one := count(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one") })))
	two := count(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "two") })))
	r := start(t, setup{
		keys: fmt.Sprintf(`
			plugin.front.calls = ["ext"]
			service.ext.targets = [%q, %q]`, one.URL, two.URL),
		guests: map[string]*guest{"front": relays(map[string]string{"ask": "ext GET /"})},
	})
	got := map[string]int{}
	for range 20 {
		got[r.get("/front/ask").body]++
	}
	if got["one"] != 10 || got["two"] != 10 {
		t.Errorf("the answers are %v", got)
	}
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections for 20 calls to 2 targets", n)
	}
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if a := r.get("/front/ask"); a.status != 200 || conns.Load() != 2 {
		t.Errorf("after a reload got %v over %d connections", a, conns.Load())
	}
}

// TestCallAnotherHost: two hosts in one process, one calling the other. Neither
// knows of the other's plugins, store, metrics or log.
func TestCallAnotherHost(t *testing.T) {
	user := newGuest()
	user.on("get", user.do("kv_set", "k", "callee's"), user.do("log", 1, "in the callee"), user.do("write", "hello"))
	callee := start(t, setup{
		keys:   "plugin.p.store = \"s\"\nserver.drain = \"400ms\"", // the caller keeps its connection
		guests: map[string]*guest{"p": user},
	})
	caller := newGuest()
	caller.on("get", caller.calls("user", "GET /p/get", ""), caller.relay(), caller.tell(caller.get("kv_get", "k", 0, 0)))
	r := start(t, setup{
		keys: fmt.Sprintf(`
			plugin.p.store = "s"
			plugin.p.calls = ["user"]
			service.user.targets = ["http://%s"]`, callee.addr),
		guests: map[string]*guest{"p": caller},
	})
	a := r.ask("GET", "/p/get", "", "X-Request-Id: across")
	if a.status != 200 || a.body != "hello\xff\xff\xff\xff" {
		t.Errorf("got %v", a)
	}
	callee.logged("in the callee", "request_id", "across")
	callee.access("across", 200)
	r.access("across", 200)
	if len(r.logs.all("in the callee")) > 0 || len(r.logs.all("request")) != 1 {
		t.Errorf("one host's log is in the other's: %s", r.logs.tail())
	}
	if err := callee.stop(); err != nil {
		t.Fatal(err)
	}
	if err := callee.Close(); err != nil {
		t.Fatal(err)
	}
	r.refused(r.get("/p/get"), 500, "the handler failed") // it relays what is no answer
	if r.Generation() != 1 || callee.Generation() != 0 {
		t.Errorf("the generations are %d and %d", r.Generation(), callee.Generation())
	}
}
