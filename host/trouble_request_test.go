package host

import (
	"fmt"
	"strings"
	"testing"
)

// What a client sees, and the log says, of requests that reach no guest.

// access waits for the access line of a request.
func (r *rig) access(id string, status int) line {
	r.t.Helper()
	entry := r.logged("request", "request_id", id, "status", fmt.Sprint(status))
	if entry.text("remote") == "" {
		r.t.Errorf("the access line %v does not say who asked", entry)
	}
	return entry
}

func TestNoSuchRoute(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": says("hello")}, routes: "GET /things/{id} a.get\nPUT /things/{id} a.get"})

	id := r.refused(r.get("/none"), 404, "no such route")
	if entry := r.access(id, 404); entry.text("path") != "/none" || entry.text("method") != "GET" || entry.text("handler") != "" {
		t.Errorf("the access line is %v", entry)
	}

	a := r.ask("DELETE", "/things/7", "")
	r.access(r.refused(a, 405, "method"), 405)
	if allow := a.header.Get("Allow"); allow != "GET, HEAD, OPTIONS, PUT" && allow != "GET, HEAD, PUT, OPTIONS" {
		t.Errorf("Allow is %q", allow)
	}

	options := r.ask("OPTIONS", "/things/7", "")
	if options.status != 204 || options.header.Get("Allow") != a.header.Get("Allow") || options.body != "" {
		t.Errorf("OPTIONS got %v", options)
	}
	head := r.ask("HEAD", "/things/7", "")
	if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != "5" {
		t.Errorf("HEAD got %v", head)
	}
	// A method that the host does not know is as good as any other.
	r.access(r.refused(r.once("BREW", "BREW /things/7 HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "method"), 405)
}

// TestMalformedRequest: what two parties could read differently is answered 400
// and ends the connection, and the log says what it was.
func TestMalformedRequest(t *testing.T) {
	g := newGuest()
	g.on("get", g.kvSet("ran", "1"))
	r := start(t, setup{keys: `plugin.a.store = "a"`, guests: map[string]*guest{"a": g}, routes: "* /{all...} a.get"})
	for name, bad := range map[string]struct{ text, reason string }{
		"both framings":          {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both Content-Length and Transfer-Encoding"},
		"framings the other way": {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "both Content-Length and Transfer-Encoding"},
		"two lengths":            {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "Content-Length"},
		"unknown coding":         {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ""},
		"chunked in HTTP/1.0":    {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
		"HTTP/1.2":               {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", ""},
		"HTTP/2.0":               {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", ""},
		"the preface of HTTP/2":  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
		"HTTP/0.9":               {"GET /\r\n\r\n", ""},
		"control in a value":     {"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x01c\r\n\r\n", ""},
		"NUL in a value":         {"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n", ""},
		"CR in a value":          {"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n", ""},
		"space before the colon": {"GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", ""},
		"folded line":            {"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", ""},
		"no host":                {"GET / HTTP/1.1\r\n\r\n", ""},
		"two hosts":              {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ""},
		"bad escape":             {"GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", "hexadecimal"},
		"short escape":           {"GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", "hexadecimal"},
		"dots":                   {"GET /files/../hello HTTP/1.1\r\nHost: a\r\n\r\n", `".."`},
		"escaped dots":           {"GET /files/%2e%2E/hello HTTP/1.1\r\nHost: a\r\n\r\n", `".."`},
		"dots behind a slash":    {"GET /files/x%2f..%2fhello HTTP/1.1\r\nHost: a\r\n\r\n", `".."`},
		"one dot":                {"GET /./hello HTTP/1.1\r\nHost: a\r\n\r\n", `"."`},
		"control in the path":    {"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", "control character"},
		"space in the target":    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		"garbage":                {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.in(t)
			c := r.dial()
			c.send(bad.text + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
			a := c.answer("GET")
			id := r.refused(a, 400, bad.reason)
			if !a.close {
				t.Error("the connection stays open")
			}
			c.ended()
			if entry := r.access(id, 400); !strings.Contains(entry.text("reason"), bad.reason) || entry.text("reason") == "" {
				t.Errorf("the log gives the reason %q, want %q", entry.text("reason"), bad.reason)
			}
			if r.has("a", "ran") {
				t.Error("the guest ran")
			}
		})
	}
}

// TestHeadTooLarge: the answer names the key.
func TestHeadTooLarge(t *testing.T) {
	r := start(t, setup{keys: `server.http_buffer_size = 1024`, guests: map[string]*guest{"a": says("hello")}})
	c := r.dial()
	c.get("/a/get", "X-Large: "+strings.Repeat("x", 2000)+"\r\n")
	a := c.answer("GET")
	id := r.refused(a, 431, "server.http_buffer_size")
	if entry := r.access(id, 431); !strings.Contains(entry.text("reason"), "1024") {
		t.Errorf("the log does not tell the size: %v", entry)
	}
	c.ended()
	c = r.dial()
	c.get("/a/get", "X-Small: "+strings.Repeat("x", 500)+"\r\n")
	if a := c.answer("GET"); a.status != 200 {
		t.Errorf("a small head got %v", a)
	}
}

// TestBodyTooLarge: 413 before the guest runs, by the announced length or by what
// came.
func TestBodyTooLarge(t *testing.T) {
	g := newGuest()
	g.on("ran", g.kvSet("ran", "1"), g.do("write", "ok"))
	r := start(t, setup{keys: "plugin.a.store = \"a\"\nserver.max_body = 1000", guests: map[string]*guest{"a": g}})

	a := r.ask("POST", "/a/ran", strings.Repeat("x", 1001))
	id := r.refused(a, 413, "server.max_body")
	r.logged("request body refused", "request_id", id, "plugin", "a", "handler", "ran", "size", "1001", "max_body", "1000")
	r.access(id, 413)

	chunked := "POST /a/ran HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	a = r.once("POST", chunked+"3e8\r\n"+strings.Repeat("x", 1000)+"\r\n1\r\nx\r\n0\r\n\r\n")
	id = r.refused(a, 413, "server.max_body")
	r.logged("request body refused", "request_id", id, "max_body", "1000")
	if r.has("a", "ran") {
		t.Fatal("the guest ran")
	}

	for name, text := range map[string]string{
		"announced": "POST /a/ran HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000),
		"chunked":   chunked + "3e8\r\n" + strings.Repeat("x", 1000) + "\r\n0\r\n\r\n",
	} {
		if a := r.once("POST", text); a.status != 200 {
			t.Errorf("%s: a body of max_body got %v", name, a)
		}
	}
}

// TestBodyMemory: bodies that would not fit beside those in flight are refused,
// and fit again later.
func TestBodyMemory(t *testing.T) {
	g := newGuest()
	g.on("hold", g.until("go"), g.do("write", "ok"))
	r := start(t, setup{
		keys:   "plugin.a.store = \"a\"\nplugin.a.timeout = \"30s\"\nserver.max_body = 1000\nserver.body_memory = 1500",
		guests: map[string]*guest{"a": g},
	})
	first := make(chan answer, 1)
	go func() {
		a, err := r.try("POST", "/a/hold", strings.Repeat("x", 1000))
		if err != nil {
			t.Error(err)
		}
		first <- a
	}()
	r.inside("a", 1)
	a := r.ask("POST", "/a/hold", strings.Repeat("x", 501))
	id := r.refused(a, 503, "server.body_memory")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	r.logged("request body refused", "request_id", id, "held", "1000", "body_memory", "1500", "size", "501")

	small := make(chan answer, 1)
	go func() {
		a, err := r.try("POST", "/a/hold", strings.Repeat("x", 500))
		if err != nil {
			t.Error(err)
		}
		small <- a
	}()
	r.inside("a", 2)
	r.set("a", "go")
	for _, c := range []chan answer{first, small} {
		if a := wait(t, c); a.status != 200 {
			t.Errorf("got %v", a)
		}
	}
	if a := r.ask("POST", "/a/hold", strings.Repeat("x", 1000)); a.status != 200 {
		t.Errorf("got %v when all was free again", a)
	}
}

// TestTooManyConnections: one over the limit is told so in the same form.
func TestTooManyConnections(t *testing.T) {
	for name, c := range map[string]struct {
		key    string
		status int
	}{
		"all":    {"server.max_connections", 503},
		"per IP": {"server.max_connections_per_ip", 429},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, setup{keys: c.key + " = 1", guests: map[string]*guest{"a": says("hello")}})
			first := r.dial()
			first.get("/a/get", "")
			if a := first.answer("GET"); a.status != 200 {
				t.Fatalf("got %v", a)
			}
			second := r.dial()
			second.get("/a/get", "")
			r.refused(second.answer("GET"), c.status, "too many connections")
			second.ended()
			r.logged("connections refused: " + c.key)
			_ = first.Close()
			r.until("room for another connection", func() bool { return r.connections() == 0 })
			third := r.dial()
			third.get("/a/get", "")
			if a := third.answer("GET"); a.status != 200 {
				t.Errorf("got %v when there was room again", a)
			}
		})
	}
}
