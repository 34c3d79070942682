package host

import (
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// The host as a library: its handler in somebody else's server.

// TestEmbedWithoutStreaming: a server that reads bodies by itself works as well,
// and max_body still holds, as does all else.
func TestEmbedWithoutStreaming(t *testing.T) {
	for name, server := range map[string]*fasthttp.Server{
		"plain":     {},
		"streaming": {StreamRequestBody: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := mirror()
			g.on("crash", g.do("status", 900))
			r := prepare(t, setup{keys: "plugin.s.store = \"a\"\nserver.max_body = 1000", guests: map[string]*guest{"a": g, "s": streamer(), "t": teller()}, routes: "GET /t/{x} t.request"})
			r.open()
			r.mount(server)
			body := strings.Repeat("x", 1000)
			if a := r.ask("POST", "/a/body", body); a.status != 200 || a.body[8:] != body || a.numbers()[0] != 1000 {
				t.Errorf("a body of max_body got %d with %d bytes", a.status, len(a.body))
			}
			if a := r.once("POST", chunked("/a/body", body[:400], body[400:])); a.status != 200 || a.body[8:] != body {
				t.Errorf("a chunked body of max_body got %d with %d bytes", a.status, len(a.body))
			}
			id := r.refused(r.ask("POST", "/a/body", body+"x"), 413, "max_body")
			r.logged("request body refused", "request_id", id, "size", "1001")
			r.refused(r.once("POST", chunked("/a/body", body, "x")), 413, "max_body")
			r.refused(r.get("/none"), 404, "no such route")
			r.refused(r.get("/a/crash"), 500, "the handler failed")
			both := r.once("POST", "POST /a/body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
			if both.status != 400 || !both.close {
				t.Errorf("both framings got %v", both)
			}

			c := r.dial()
			c.get("/s/steps", "")
			head := c.head()
			c.read(head.Body, "one two ")
			r.set("a", "go")
			c.read(head.Body, "three four")
			_ = c.Close()
			if a := r.once("GET", "GET /t/a%2Fb HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n\r\n"); a.body != "GET\n/t/a/b\n\n/t/a%2Fb\na\nhttp\n127.0.0.1\nHTTP/1.1\n/t/{x}\ni\n" {
				t.Errorf("the guest is told %q", a.body)
			}
			if n := r.port.Load(); n != 0 {
				t.Errorf("the host thinks that it listens on %d", n)
			}
		})
	}
}

// TestEmbedTwo: two hosts behind one server, as two tenants, share nothing.
func TestEmbedTwo(t *testing.T) {
	tenant := func(name string) *rig {
		g := newGuest()
		g.on("get", g.echo("kv_get", "k"))
		r := prepare(t, setup{keys: "plugin.a.store = \"same\"\nplugin.a.isolation = \"instance\"", guests: map[string]*guest{"a": g}})
		r.open()
		if err := r.store.Keyspace("same").Set(t.Context(), []byte("k"), []byte(name)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, two := tenant("one"), tenant("two")
	one.mount(&fasthttp.Server{StreamRequestBody: true})
	two.mount(&fasthttp.Server{StreamRequestBody: true})
	for i := range 10 {
		if a, b := one.get("/a/get"), two.get("/a/get"); a.body != "one" || b.body != "two" {
			t.Fatalf("got %v and %v", a, b)
		}
		if i == 5 {
			one.reload()
		}
	}
	if one.Generation() != 2 || two.Generation() != 1 {
		t.Errorf("the generations are %d and %d", one.Generation(), two.Generation())
	}
	if n := sum(samples(string(two.exposition())), "wasmlane_requests_total", `code="2xx"`); n != 10 {
		t.Errorf("one host has counted %v of the other's requests", n-10)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if a := two.get("/a/get"); a.body != "two" {
		t.Errorf("when the other host had closed came %v", a)
	}
	if got := fmt.Sprint(len(two.logs.all("reloaded"))); got != "0" {
		t.Error("one host's log is in the other's")
	}
}
