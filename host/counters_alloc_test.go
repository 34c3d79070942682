//go:build !race

package host

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// Counting costs an operation, a call or a request no allocation, and a read of
// the store stays without any.
func TestCountingAllocatesNothing(t *testing.T) {
	h := newCounters().forGeneration()
	defer h.Leave()
	k := h.Keyspace("s", kv.NewMemory().Keyspace("s"))
	route, target := h.Route(&config.Route{Plugin: "a", Export: "get", Path: "/a", Methods: []string{"GET"}}), h.Target("b")
	ctx, key, method, dst := t.Context(), []byte("key"), []byte("GET"), make([]byte, 0, 64)
	if err := k.Set(ctx, key, []byte("value")); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := k.Get(ctx, dst, key); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Next(ctx, dst, nil, nil); err != nil {
			t.Fatal(err)
		}
		target.Call(200, 0, time.Millisecond)
		route.Count(method, 200, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A request for a plugin, from its head to the counters and the access log, costs
// the host no allocation.
func TestRequestAllocatesNothing(t *testing.T) {
	r := prepare(t, setup{keys: "log.level = \"info\"", guests: map[string]*guest{"a": says("hello")}})
	r.open()
	ctx := requestTo(t, "/a/get")
	if n := testing.AllocsPerRun(1000, func() {
		ctx.Response.Reset()
		r.handle(ctx)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if ctx.Response.StatusCode() != 200 || string(ctx.Response.Body()) != "hello" {
		t.Errorf("got %v", &ctx.Response)
	}
	if n := r.scrape()[`wasmlane_request_duration_seconds_count{plugin="a",handler="get",route="/a/get",method="GET"}`]; n != 1001 {
		t.Errorf("%v requests were counted", n)
	}
}

// BenchmarkHandle is a request for a plugin without the network.
func BenchmarkHandle(b *testing.B) {
	r := prepare(b, setup{keys: "log.access = false", guests: map[string]*guest{"a": says("hello")}})
	r.open()
	ctx := requestTo(b, "/a/get")
	for b.Loop() {
		ctx.Response.Reset()
		r.handle(ctx)
	}
}

// requestTo is a GET request that has been read.
func requestTo(t testing.TB, path string, more ...string) *fasthttp.RequestCtx {
	t.Helper()
	var req fasthttp.Request
	head := "GET " + path + " HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n" + strings.Join(more, "") + "\r\n"
	if err := req.Header.Read(bufio.NewReader(strings.NewReader(head))); err != nil {
		t.Fatal(err)
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, nil)
	return ctx
}

// What counting adds to a read of the store.
func BenchmarkCountedGet(b *testing.B) {
	h := newCounters().forGeneration()
	defer h.Leave()
	plain := kv.NewMemory().Keyspace("s")
	ctx, key, dst := b.Context(), []byte("key"), make([]byte, 0, 64)
	if err := plain.Set(ctx, key, []byte("value")); err != nil {
		b.Fatal(err)
	}
	for name, k := range map[string]kv.Keyspace{"plain": plain, "counted": h.Keyspace("s", plain)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = k.Get(ctx, dst, key)
			}
		})
	}
}

// Nor does one to a route with a limit and headers, or in a trace that is passed on.
func TestRulesAllocateNothing(t *testing.T) {
	r := prepare(t, setup{
		keys:   "log.level = \"info\"",
		guests: map[string]*guest{"a": says("hello")},
		routes: "GET /limited a.get rate = \"1000000/s\"\nGET /dressed a.get headers = {X-Frame-Options = \"DENY\", Cache-Control = \"no-store\"}",
	})
	r.open()
	for _, path := range []string{"/limited", "/dressed"} {
		ctx := requestTo(t, path, "Traceparent: "+someParent+"\r\n")
		if n := testing.AllocsPerRun(1000, func() {
			ctx.Response.Reset()
			r.handle(ctx)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", path, n)
		}
		if ctx.Response.StatusCode() != 200 || string(ctx.Response.Body()) != "hello" {
			t.Errorf("%s: got %v", path, &ctx.Response)
		}
	}
}
