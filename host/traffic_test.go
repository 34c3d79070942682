package host

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// The rules that a route has around its handler.

func TestRateLimit(t *testing.T) {
	r := start(t, setup{
		keys:   "traffic.headers = {\"X-Frame-Options\" = \"DENY\"}",
		guests: map[string]*guest{"a": says("hello")},
		routes: "GET /slow a.get rate = \"2/h\"\n" +
			"GET /key a.get rate = \"1/h\"\nGET /other a.get rate = \"1/h\"\n" +
			"GET /by a.get rate = \"3/h\"\nGET /health @health",
	})
	r.rewrite(`rate = "3/h"`, "rate_by = \"header:X-Key\"\nrate = \"1/h\"\nrate_burst = 2")
	r.rewrite(`rate = "2/h"`, "rate = \"2/h\"\nrate_burst = 2")
	r.reload()
	for range 2 {
		if a := r.get("/slow"); a.status != 200 || a.header.Get("Retry-After") != "" {
			t.Fatalf("got %v", a)
		}
	}
	a := r.get("/slow")
	r.refused(a, 429, "too many requests")
	var seconds int
	if _, err := fmt.Sscan(a.header.Get("Retry-After"), &seconds); err != nil || seconds < 1700 || seconds > 1800 {
		t.Errorf("Retry-After is %q, want half an hour", a.header.Get("Retry-After"))
	}
	if a.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the refusal lacks the headers of the route: %v", a.header)
	}
	r.logged("request", "status", "429", "handler", "a.get", "reason", "too many")
	if n := r.scrape()[`wasmlane_requests_total{plugin="a",handler="get",route="/slow",method="GET",code="4xx"}`]; n != 1 {
		t.Errorf("%v refusals were counted", n)
	}
	// The routes count apart, and a body that is refused does not confuse the
	// connection.
	if a := r.get("/key"); a.status != 200 {
		t.Errorf("got %v", a)
	}
	r.refused(r.ask("GET", "/key", strings.Repeat("x", 10_000)), 429, "too many")
	r.refused(r.ask("GET", "/key", strings.Repeat("x", 200_000)), 429, "too many")
	if a := r.get("/other"); a.status != 200 {
		t.Errorf("got %v", a)
	}
	// By header; who has none counts by its address.
	for _, c := range []struct {
		key    string
		status int
	}{{"one", 200}, {"two", 200}, {"one", 200}, {"one", 429}, {"", 200}, {"two", 200}, {"", 200}, {"", 429}, {"two", 429}, {"three", 200}} {
		var headers []string
		if c.key != "" {
			headers = []string{"X-Key: " + c.key}
		}
		if a := r.ask("GET", "/by", "", headers...); a.status != c.status {
			t.Errorf("%q: got %d, want %d", c.key, a.status, c.status)
		}
	}
	// A reload does not fill the buckets.
	r.reload()
	r.refused(r.get("/slow"), 429, "too many")
	for range 5 {
		if a := r.get("/health"); a.status != 200 {
			t.Errorf("got %v", a)
		}
	}
}

// The rules of [traffic] are for plugins: no limit there refuses a health check.
func TestBuiltinsTakeNoTrafficRules(t *testing.T) {
	r := start(t, setup{keys: "traffic.rate = \"1/h\"", guests: map[string]*guest{"a": says("hello")}, routes: "GET /health @health\nGET /service @service rate = \"1/h\""})
	for range 3 {
		if a := r.get("/health"); a.status != 200 {
			t.Fatalf("got %v", a)
		}
	}
	if a := r.get("/service"); a.status != 200 {
		t.Errorf("got %v", a)
	}
	r.refused(r.get("/service"), 429, "too many")
	if a := r.get("/a/get"); a.status != 200 {
		t.Errorf("got %v", a)
	}
	r.refused(r.get("/a/get"), 429, "too many")
}

func TestCORS(t *testing.T) {
	g := newGuest()
	g.on("get", g.do("set_header", "access-control-allow-origin", "http://evil.example"),
		g.do("set_header", "access-control-allow-credentials", "true"),
		g.do("set_header", "vary", "Accept"), g.do("write", "hello"))
	r := start(t, setup{guests: map[string]*guest{"a": g}})
	for path, rules := range map[string]string{
		"/list": `method = ["GET", "PUT"]
			cors_origins = ["https://app.example", "http://localhost:3000"]
			cors_headers = ["x-key", "Content-Type"]
			cors_expose = ["X-Request-Id"]
			cors_credentials = true
			cors_max_age = "1h"`,
		"/any": `cors_origins = ["*"]
			cors_headers = ["*"]`,
		"/options": `method = "OPTIONS"`,
	} {
		put(t, r.file, fmt.Appendf(readFile(t, r.file), "[[route]]\npath = %q\nhandler = \"a.get\"\n%s\n", path, rules))
	}
	r.reload()
	const origin, method, headers = "Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"
	const preflightVary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	for _, c := range []struct {
		method, path string
		send         []string // headers
		status       int
		want         string // of the answer: "allow-x: value", separated by |
		vary         string
	}{
		{"OPTIONS", "/list", []string{origin, "https://app.example", method, "PUT", headers, "x-key"}, 204,
			"origin: https://app.example|credentials: true|methods: GET, PUT|headers: X-Key, Content-Type|max-age: 3600", preflightVary},
		{"OPTIONS", "/list", []string{origin, "http://localhost:3000", method, "GET"}, 204,
			"origin: http://localhost:3000|credentials: true|methods: GET, PUT|headers: X-Key, Content-Type|max-age: 3600", preflightVary},
		{"OPTIONS", "/list", []string{origin, "https://app.example.evil.example", method, "PUT"}, 403, "", preflightVary},
		{"OPTIONS", "/list", []string{origin, "http://app.example", method, "PUT"}, 403, "", preflightVary},
		{"OPTIONS", "/list", []string{origin, "null", method, "PUT"}, 403, "", preflightVary},
		{"OPTIONS", "/list", []string{origin, "https://app.example", origin, "https://app.example", method, "PUT"}, 204, "", ""}, // two origins: none
		{"OPTIONS", "/list", []string{origin, "https://app.example", method, "DELETE"}, 204, "", ""},                             // no such route
		{"OPTIONS", "/list", []string{origin, "https://app.example"}, 204, "", ""},                                               // no preflight
		{"OPTIONS", "/none", []string{origin, "https://app.example", method, "PUT"}, 404, "", ""},
		{"OPTIONS", "/any", []string{origin, "null", method, "PATCH", headers, "authorization, x-a"}, 204,
			"origin: *|methods: PATCH|headers: authorization, x-a|max-age: 600", preflightVary},
		{"OPTIONS", "/any", []string{origin, "http://a.example", method, "DELETE"}, 204, "origin: *|methods: DELETE|max-age: 600", preflightVary},

		{"GET", "/list", []string{origin, "https://app.example"}, 200, "origin: https://app.example|credentials: true|expose: X-Request-Id", "Accept, Origin"},
		{"PUT", "/list", []string{origin, "HTTPS://app.example"}, 200, "", "Accept, Origin"},
		{"GET", "/list", []string{origin, "https://evil.example"}, 200, "", "Accept, Origin"},
		{"GET", "/list", nil, 200, "", "Accept, Origin"},
		{"GET", "/list", []string{origin, ""}, 200, "", "Accept, Origin"},
		{"GET", "/any", nil, 200, "origin: *", "Accept"},
		{"GET", "/any", []string{origin, "null"}, 200, "origin: *", "Accept"},
	} {
		var lines []string
		for i := 0; i+1 < len(c.send); i += 2 {
			lines = append(lines, c.send[i]+": "+c.send[i+1])
		}
		a := r.ask(c.method, c.path, "", lines...)
		var got []string
		for _, name := range []string{"Allow-Origin", "Allow-Credentials", "Allow-Methods", "Allow-Headers", "Max-Age", "Expose-Headers"} {
			if v := a.header.Values("Access-Control-" + name); len(v) > 0 {
				short := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "Allow-"), "-Headers"))
				got = append(got, short+": "+strings.Join(v, "&"))
			}
		}
		if vary := strings.Join(a.header.Values("Vary"), ", "); a.status != c.status || strings.Join(got, "|") != c.want || vary != c.vary {
			t.Errorf("%s %s %q: got %d %q vary %q", c.method, c.path, c.send, a.status, strings.Join(got, "|"), vary)
		}
	}
	// Errors can be read by the page, too.
	r.rewrite(`cors_max_age = "1h"`, "rate = \"1/h\"")
	r.reload()
	r.get("/list")
	a := r.ask("GET", "/list", "", "Origin: https://app.example")
	r.refused(a, 429, "too many")
	if a.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("the error cannot be read: %v", a.header)
	}
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("all work and no play ", 100)
	g := newGuest()
	text := func(name, contentType, body string, more ...[]byte) {
		code := append(more, g.do("set_header", "content-type", contentType), g.do("write", body))
		g.on(name, code...)
	}
	text("text", "text/plain; charset=utf-8", long, g.do("set_header", "etag", `"x"`))
	text("weak", "text/plain", long, g.do("set_header", "etag", `W/"x"`))
	text("short", "text/plain", "short")
	text("image", "image/png", long)
	text("coded", "text/plain", long, g.do("set_header", "content-encoding", "zstd"))
	text("part", "text/plain", long, g.do("status", 206), g.do("set_header", "content-range", "bytes 0-2099/9999"))
	text("keep", "text/plain", long, g.do("set_header", "cache-control", "no-store, no-transform"))
	text("noise", "text/plain", noise(2000))
	s := streamer()
	s.on("long", s.do("set_header", "content-type", "text/plain"), s.do("write", long), s.do("flush"), s.do("write", long))
	r := start(t, setup{keys: "plugin.s.store = \"a\"\ntraffic.compress = true", guests: map[string]*guest{"a": g, "s": s},
		routes: "GET /plain a.text compress = false"})
	for _, c := range []struct {
		path, accept, coding string
		varies               bool
	}{
		{"/a/text", "", "", true},
		{"/a/text", "gzip", "gzip", true},
		{"/a/text", "gzip, deflate, br, zstd", "br", true},
		{"/a/text", "br;q=0, *;q=0", "", true},
		{"/a/weak", "gzip", "gzip", true},
		{"/a/short", "gzip", "", false},
		{"/a/image", "gzip", "", false},
		{"/a/coded", "gzip", "zstd", false},
		{"/a/part", "gzip", "", false},
		{"/a/keep", "gzip", "", false},
		{"/a/noise", "gzip", "", true},
		{"/s/long", "gzip", "", false},
		{"/plain", "gzip", "", false},
	} {
		var headers []string
		if c.accept != "" {
			headers = []string{"Accept-Encoding: " + c.accept}
		}
		if c.coding == "br" && !hasBrotli {
			c.coding = "gzip"
		}
		a := r.ask("GET", c.path, "", headers...)
		if a.header.Get("Content-Encoding") != c.coding || (a.header.Get("Vary") == "Accept-Encoding") != c.varies {
			t.Errorf("%s for %q: %v", c.path, c.accept, a.header)
		}
		if c.path == "/a/text" || c.path == "/a/weak" {
			want := map[string]string{"": `"x"`, "gzip": `W/"x"`, "br": `W/"x"`}[c.coding]
			if c.path == "/a/weak" {
				want = `W/"x"`
			}
			body := decoded(t, c.coding, a.body)
			if body != long || a.header.Get("ETag") != want {
				t.Errorf("%s for %q: %q, ETag %q", c.path, c.accept, body, a.header.Get("ETag"))
			}
			if c.coding != "" && len(a.body) > 200 {
				t.Errorf("%d bytes in %s", len(a.body), c.coding)
			}
			// HEAD tells the same.
			h := r.ask("HEAD", c.path, "", headers...)
			if h.body != "" || h.header.Get("Content-Length") != fmt.Sprint(len(a.body)) || h.header.Get("Content-Encoding") != c.coding {
				t.Errorf("HEAD of %s: %v, of GET %d bytes", c.path, h, len(a.body))
			}
		}
	}
}

// noise is text that does not compress.
func noise(n int) string {
	b, state := make([]byte, n), uint64(1)
	for i := range b {
		state = state*6364136223846793005 + 1442695040888963407
		b[i] = byte(state >> 56)
	}
	return string(b)
}

func decoded(t *testing.T, coding, body string) string {
	t.Helper()
	var b []byte
	var err error
	switch coding {
	case "gzip":
		var z *gzip.Reader
		if z, err = gzip.NewReader(strings.NewReader(body)); err == nil {
			b, err = io.ReadAll(z)
		}
	case "br":
		var w bytes.Buffer
		_, err = fasthttp.WriteUnbrotli(&w, []byte(body))
		b = w.Bytes()
	default:
		return body
	}
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return string(b)
}

func TestStaticHeaders(t *testing.T) {
	g := newGuest()
	g.on("get", g.do("set_header", "cache-control", "private"), g.do("add_header", "x-a", "1"), g.do("add_header", "x-a", "2"), g.do("write", "x"))
	g.on("fail", g.do("status", 700))
	s := streamer()
	r := start(t, setup{
		keys:   "plugin.s.store = \"a\"\ntraffic.headers = {\"cache-control\" = \"no-store\", \"X-A\" = \"host\", Strict-Transport-Security = \"max-age=1\"}",
		guests: map[string]*guest{"a": g, "s": s},
		routes: "GET /own a.get headers = {\"x-a\" = \"route\"}",
	})
	for path, want := range map[string][2]string{"/a/get": {"host"}, "/own": {"route"}, "/a/fail": {"host"}, "/s/empty": {"host"}} {
		h := r.get(path).header
		if strings.Join(h.Values("X-A"), ",") != want[0] || strings.Join(h.Values("Cache-Control"), ",") != "no-store" || h.Get("Strict-Transport-Security") != "max-age=1" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if h := r.get("/none").header; h.Get("X-A") != "" {
		t.Errorf("no route has headers: %v", h)
	}
}

func TestMaxBodyOfARoute(t *testing.T) {
	r := start(t, setup{
		keys:   "server.max_body = 1000",
		guests: map[string]*guest{"a": says("hello")},
		routes: "POST /small a.get max_body = 10\nPOST /large a.get max_body = 5000",
	})
	body := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		path    string
		bytes   int
		status  int
		message string
	}{
		{"/small", 10, 200, ""}, {"/small", 11, 413, "max_body of the route"},
		{"/a/get", 1000, 200, ""}, {"/a/get", 1001, 413, "server.max_body"},
		{"/large", 5000, 200, ""}, {"/large", 5001, 413, "max_body of the route"},
	} {
		a := r.ask("POST", c.path, body(c.bytes))
		if c.status == 200 && a.status != 200 {
			t.Errorf("%s with %d: %v", c.path, c.bytes, a)
		} else if c.status != 200 {
			r.refused(a, c.status, c.message)
		}
	}
	r.logged("request body refused", "max_body", "10", "size", "11", "reason", "body over max_body of the route, 10 bytes")
	// A client that asks first is told to go on up to the largest of them.
	c := r.dial()
	c.send("POST /large HTTP/1.1\r\nHost: test\r\nContent-Length: 4000\r\nExpect: 100-continue\r\n\r\n")
	if resp, err := http.ReadResponse(c.r, nil); err != nil || resp.StatusCode != 100 {
		t.Fatalf("got %v, %v; want 100", resp, err)
	}
	c.send(body(4000))
	if a := c.answer("POST"); a.status != 200 {
		t.Errorf("got %v", a)
	}
}
