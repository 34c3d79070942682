package host

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// What goes over the wire and into the log of a request that is answered.

// teller is a guest that writes what it is told of its request, a line each.
func teller() *guest {
	g := newGuest()
	nl := g.do("write", "\n")
	var all []byte
	for _, f := range []abi.Field{
		abi.FieldMethod, abi.FieldPath, abi.FieldQuery, abi.FieldTarget, abi.FieldHost,
		abi.FieldScheme, abi.FieldRemoteAddr, abi.FieldProtocol, abi.FieldRoute, abi.FieldRequestID,
	} {
		all = append(append(all, g.echo("request", int(f))...), nl...)
	}
	g.on("request", all)
	g.on("id", g.echo("param", "id"))
	g.on("rest", g.echo("param", "rest"))
	g.on("query", g.echo("query", "q", 0), nl, g.echo("query", "q", 1), nl, g.tell(g.get("query", "q", 2, 0, 0)))
	g.on("header", g.echo("header", "X-Value", 0), nl, g.echo("header", "x-VALUE", 1), nl, g.tell(g.get("header", "x-value", 2, 0, 0)))
	g.on("names", g.echo("header_name", 0), nl, g.echo("header_name", 1), nl, g.echo("header_name", 2))
	g.on("mix", g.echo("header", "x-value", 0), g.do("write", "|"), g.echo("request", int(abi.FieldRequestID)), g.do("write", "|"), g.echo("query", "q", 0))
	g.on("nothing")
	g.on("typed", g.do("set_header", "content-type", "text/css"), g.do("add_header", "x-a", "1"), g.do("add_header", "X-A", "2"), g.do("write", "a {}"))
	g.on("headers", g.tell(g.get("set_header", "connection", "close")), g.tell(g.get("set_header", "Content-Length", "1")),
		g.tell(g.get("set_header", "server", "x")), g.tell(g.get("set_header", "x\r\ny", "1")), g.tell(g.get("set_header", "x-a", "1\r\nx-b: 2")),
		g.tell(g.get("set_header", "x-fine", "1")))
	g.on("says", g.do("log", 2, "a line\nlevel=ERROR msg=forged"))
	return g
}

func TestRequestFields(t *testing.T) {
	r := start(t, setup{
		guests: map[string]*guest{"a": teller()},
		routes: "GET /things/{id} a.id\nGET /files/{rest...} a.rest\nGET /hello a.nothing\nGET /t/{x} a.request",
	})
	a := r.once("GET", "GET /t/a%2Fb%20c?q=1&r=%20 HTTP/1.1\r\nHost: Example.test:80\r\nX-Request-Id: mine-1\r\n\r\n")
	want := "GET\n/t/a/b c\nq=1&r=%20\n/t/a%2Fb%20c?q=1&r=%20\nExample.test:80\nhttp\n127.0.0.1\nHTTP/1.1\n/t/{x}\nmine-1\n"
	if a.body != want || a.header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("got %q, want %q", a.body, want)
	}
	head := r.once("HEAD", "HEAD /t/x HTTP/1.1\r\nHost: a\r\n\r\n")
	if head.status != 200 || head.body != "" {
		t.Errorf("HEAD got %v", head)
	}

	for target, want := range map[string]struct {
		status int
		body   string
	}{
		"/things/a%2Fb":           {200, "a/b"}, // an escaped slash does not split
		"/things/a/b":             {404, ""},
		"/things/%C3%A9+x":        {200, "é+x"},
		"/files/a/b%2Fc":          {200, "a/b/c"},
		"/files/../hello":         {400, ""},
		"/files/%2e%2e/hello":     {400, ""},
		"/files/..%2fhello":       {400, ""},
		"//hello":                 {404, ""}, // nothing is folded
		"/hello/":                 {404, ""},
		"/hello":                  {200, ""},
		"/hello?":                 {200, ""},
		"http://other.test/hello": {200, ""},
		"*":                       {400, ""},
		"/a/query?q=a+b&q=%2B":    {200, "a b\n+\n\xff\xff\xff\xff"},
	} {
		a := r.once("GET", "GET "+target+" HTTP/1.1\r\nHost: a\r\n\r\n")
		if a.status != want.status || (a.status == 200 && a.body != want.body) {
			t.Errorf("%s got %d %q, want %d %q", target, a.status, a.body, want.status, want.body)
		}
	}

	a = r.once("GET", "GET /a/header HTTP/1.1\r\nHost: a\r\nX-Value:  one \r\nx-value: two\r\n\r\n")
	if a.body != "one\ntwo\n\xff\xff\xff\xff" {
		t.Errorf("the headers are %q", a.body)
	}
	a = r.once("GET", "GET /a/names HTTP/1.1\r\nHost: a\r\nX-Value: 1\r\nCookie: b\r\nx-value: 2\r\n\r\n")
	if a.body != "host\nx-value\ncookie" {
		t.Errorf("the names are %q", a.body)
	}
}

// TestResponseHeaders: only what the guest set, and what the host must.
func TestResponseHeaders(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": teller()}})
	a := r.get("/a/nothing")
	for name := range a.header {
		switch name {
		case "Date", "Content-Length", "X-Request-Id":
		default:
			t.Errorf("an empty answer has the header %s: %q", name, a.header[name])
		}
	}
	a = r.get("/a/typed")
	if ct, x := a.header["Content-Type"], a.header["X-A"]; len(ct) != 1 || ct[0] != "text/css" || len(x) != 2 || x[1] != "2" {
		t.Errorf("got %v", a.header)
	}
	a = r.get("/a/headers")
	if n := fmt.Sprint(a.numbers()); n != "[-2 -2 -2 -2 -2 0]" || a.header.Get("X-B") != "" || a.header.Get("Server") != "" || a.header.Get("X-Fine") != "1" || a.close {
		t.Errorf("set_header answers %s, and the headers are %v", n, a.header)
	}
}

// TestRequestID: a sane one is kept, another replaced.
func TestRequestID(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": teller()}})
	for given, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("x", 128): true,
		strings.Repeat("x", 129): false, "a b": false, "a,b": false, "a\tb": false, "<a>": false, "é": false,
	} {
		a := r.once("GET", "GET /a/mix?q=1 HTTP/1.1\r\nHost: a\r\nX-Value: v\r\nX-Request-Id: "+given+"\r\n\r\n")
		id := a.header.Get("X-Request-Id")
		if (id == given) != kept || a.body != "v|"+id+"|1" || (!kept && len(id) != 32) {
			t.Errorf("%q: the id is %q and the body %q", given, id, a.body)
		}
		r.access(id, 200)
	}
}

// TestLogKeepsSecrets: neither credentials nor the query nor a body get into the
// log, at any level, whatever becomes of the request; and a guest cannot forge a
// line.
func TestLogKeepsSecrets(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": teller()}, keys: "log.format = \"text\"\nserver.http_buffer_size = 1024\nserver.max_body = 100"})
	for _, text := range []string{
		"GET /a/mix?q=hush-query HTTP/1.1\r\nHost: a\r\nX-Value: v\r\nAuthorization: Bearer hush-token\r\nCookie: hush-cookie\r\n\r\n",
		"GET /a/mix HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hush\x01-token\r\n\r\n",
		"GET /a/mix HTTP/1.1\r\nHost: a\r\nAuthorization Bearer hush-token\r\n\r\n",
		"GET /a/mix HTTP/1.1\r\nHost: a\r\nAuthorization: hush-" + strings.Repeat("x", 2000) + "\r\n\r\n",
		"POST /a/mix HTTP/1.1\r\nHost: a\r\nAuthorization: hush-token\r\nContent-Length: x\r\n\r\nhush-body",
		"POST /a/mix HTTP/1.1\r\nHost: a\r\nAuthorization: hush-token\r\nContent-Length: 400\r\n\r\n" + strings.Repeat("hush", 100),
		"POST /a/mix HTTP/1.1\r\nHost: a\r\nAuthorization: hush-token\r\nTransfer-Encoding: chunked\r\n\r\nhush-chunk\r\n",
		"hush-garbage\r\n\r\n",
	} {
		r.once("POST", text)
	}
	r.get("/a/says")
	r.until("all lines", func() bool { return strings.Count(r.logs.String(), "msg=request ") == 9 })
	for l := range strings.Lines(r.logs.String()) {
		if strings.Contains(l, "hush") {
			t.Errorf("the log has %q", l)
		}
		if strings.HasPrefix(l, "level=") {
			t.Errorf("a guest made the line %q", l)
		}
	}
	if !strings.Contains(r.logs.String(), `msg="a line\nlevel=ERROR msg=forged"`) {
		t.Errorf("the guest's own line is not there: %s", r.logs.tail())
	}
}

// TestRequestsDoNotMix: what belongs to one request never shows in another, in an
// answer or in the log, though buffers and exchanges are used again.
func TestRequestsDoNotMix(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": teller()}, routes: "GET /t/{id} a.mix"})
	const clients, rounds = 8, 40
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			peer := r.dial()
			for round := range rounds {
				// Several at once, of different lengths.
				var ids []string
				for i := range 3 {
					id := fmt.Sprintf("%d-%d-%d%s", c, round, i, strings.Repeat("y", (c*7+round*3+i)%50))
					ids = append(ids, id)
					if _, err := fmt.Fprintf(peer, "GET /t/%s?q=%s HTTP/1.1\r\nHost: a\r\nX-Value: %s\r\nX-Request-Id: %s\r\n\r\n", id, id, id, id); err != nil {
						t.Error(err)
						return
					}
				}
				for _, id := range ids {
					if a, err := peer.tryAnswer("GET"); err != nil || a.body != id+"|"+id+"|"+id || a.header.Get("X-Request-Id") != id {
						t.Errorf("%s got %v and %v", id, a, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	r.until("all access lines", func() bool { return len(r.logs.all("request")) == clients*rounds*3 })
	seen := map[string]bool{}
	for _, entry := range r.logs.all("request") {
		id := entry.text("request_id")
		if seen[id] || entry.text("path") != "/t/"+id || entry.text("handler") != "a.mix" {
			t.Fatalf("an access line is %v", entry)
		}
		seen[id] = true
	}
}

// TestOutput: what a guest writes to its standard output and error is in the log.
func TestOutput(t *testing.T) {
	g := newGuest()
	vector := func(text string) int {
		at := g.place([]byte(text))
		return g.place([]byte{byte(at), byte(at >> 8), byte(at >> 16), 0, byte(len(text)), 0, 0, 0})
	}
	n := g.place(make([]byte, 4))
	g.on("out", g.do("fd_write", 1, vector("first\nsec"), 1, n), g.do("fd_write", 1, vector("ond\n"), 1, n), g.do("fd_write", 2, vector("no end"), 1, n))
	g.on("out_trap", g.do("fd_write", 2, vector("last words"), 1, n), wasmtest.Unreachable())
	r := start(t, setup{guests: map[string]*guest{"a": g}})
	id := r.get("/a/out").header.Get("X-Request-Id")
	for text, stream := range map[string]string{"first": "stdout", "second": "stdout", "no end": "stderr"} {
		r.logged(text, "request_id", id, "plugin", "a", "handler", "out", "stream", stream)
	}
	id = r.refused(r.get("/a/out_trap"), 500, "the handler failed")
	r.logged("last words", "request_id", id)
}
