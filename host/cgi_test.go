package host

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// WASI commands as CGI programs, in every language that there is a compiler for.
func TestCommands(t *testing.T) {
	for language, build := range commandBuilders() {
		t.Run(language, func(t *testing.T) {
			wasm := build(t)
			r := start(t, setup{
				keys: `
					server.max_response = "4MiB"
					plugin.app.memory = "24MiB"
					plugin.app.timeout = "20s"
					plugin.app.queue = "30s"
					plugin.app.instances = 4
					plugin.app.config.TITLE = "a text"`,
				routes: `
					* /app/{rest...} app.@cgi
					* /short/{rest...} app.@cgi timeout = "300ms"
					* /users/{id}/{tab} app.@cgi`,
				files: map[string][]byte{"plugins/app.wasm": wasm},
			})
			for name, test := range map[string]func(*rig){
				"environment": commandEnvironment, "isolation": commandIsolation, "exits": commandExits,
				"deadline": commandDeadline, "memory": commandMemory, "bodies": commandBodies, "head": commandHead,
				"panic": commandPanic, "log": commandLog, "output": commandOutput, "at once": commandsAtOnce,
			} {
				t.Run(name, func(t *testing.T) { test(r.in(t)) })
			}
		})
	}
}

func commandEnvironment(r *rig) {
	host, port, _ := strings.Cut(r.addr, ":")
	c := r.dial()
	c.send("POST /app/env?a=1&b=%20 HTTP/1.1\r\nHost: Example.com:99\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n" +
		"X-Request-Id: id-1\r\nX-Two: 1\r\nx-two: 2\r\nCookie: a=1\r\nCookie: b=2\r\nAuthorization: Basic eA==\r\n" +
		"Proxy: http://evil\r\nX_Two: evil\r\nTE: trailers\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
	a := c.answer("POST")
	want := []string{
		"AUTH", "CONTENT_LENGTH=5", "CONTENT_TYPE=text/x", "GATEWAY_INTERFACE=CGI/1.1",
		"HTTP_AUTHORIZATION=Basic eA==", "HTTP_COOKIE=a=1; b=2", "HTTP_HOST=Example.com:99", "HTTP_X_REQUEST_ID=id-1",
		"HTTP_X_TWO=1, 2", "PARAM_REST=env", "PATH_INFO=/env", "QUERY_STRING=a=1&b=%20", "REMOTE_ADDR=" + host,
		"REQUEST_ID=id-1", "REQUEST_METHOD=POST", "REQUEST_SCHEME=http", "REQUEST_URI=/app/env?a=1&b=%20",
		"SCRIPT_NAME=/app", "SERVER_NAME=Example.com", "SERVER_PORT=" + port, "SERVER_PROTOCOL=HTTP/1.1",
		"SERVER_SOFTWARE=wasmlane", "TITLE=a text",
	}
	want[0] = "app" // the arguments
	if got := strings.Split(strings.TrimSpace(a.body), "\n"); a.status != 200 || !slices.Equal(got, want) {
		r.t.Errorf("got %d\n%s\nwant\n%s", a.status, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if a := r.get("/app/no/such"); a.status != 500 { // it writes nothing
		r.t.Errorf("without output: %v", a)
	}
}

func commandIsolation(r *rig) {
	before := r.pool("app")
	for range 20 {
		if a := r.get("/app/count"); a.status != 200 || a.body != "1" || a.header.Get("Content-Type") != "text/plain" {
			r.t.Fatalf("got %v", a)
		}
	}
	// One may have been needed, and idle ones are closed when it takes long.
	if after := r.pool("app"); after.Created > before.Created+1 {
		r.t.Errorf("instances are not used again: %+v, then %+v", before, after)
	}
}

func commandExits(r *rig) {
	before := r.pool("app")
	if a := r.get("/app/exit?0"); a.status != 200 || a.body != "bye" {
		r.t.Errorf("got %v", a)
	}
	id := r.refused(r.get("/app/exit?3"), 500, "the handler failed")
	if reason := r.reason(id); reason != "guest exited with code 3" {
		r.t.Errorf("the log says %q", reason)
	}
	if a := r.get("/app/count"); a.body != "1" {
		r.t.Errorf("after an exit: %v", a)
	}
	for range 20 {
		r.get("/app/exit?1")
	}
	if after := r.pool("app"); after.Created > before.Created+1 {
		r.t.Errorf("an exit costs an instance: %+v, then %+v", before, after)
	}
}

func commandDeadline(r *rig) {
	r.refused(r.get("/short/spin"), 504, "did not answer in time")
	if a := r.get("/app/count"); a.body != "1" {
		r.t.Errorf("afterwards: %v", a)
	}
}

func commandMemory(r *rig) {
	id := r.refused(r.get("/app/grow"), 500, "the handler failed")
	r.logged("handler failed", "request_id", id, "memory_refused", "raise memory in [plugin.app]")
	if a := r.get("/app/count"); a.body != "1" {
		r.t.Errorf("afterwards: %v", a)
	}
}

func commandBodies(r *rig) {
	if a := r.get("/app/big?3000000"); a.status != 200 || a.body != strings.Repeat("x", 3_000_000) {
		r.t.Errorf("a large body: %d, %d bytes", a.status, len(a.body))
	}
	body := make([]byte, 3_000_001)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(body)
	if a := r.ask("POST", "/app/echo", string(body)); a.status != 200 || a.body != string(body) {
		r.t.Errorf("a binary body: %d, %d bytes", a.status, len(a.body))
	}
	if a := r.get("/app/echo"); a.status != 200 || a.body != "" {
		r.t.Errorf("no body: %v", a)
	}
	id := r.refused(r.get("/app/big?5000000"), 500, "the response is too large")
	r.logged("response over server.max_response", "request_id", id)
	if a := r.get("/app/count"); a.body != "1" {
		r.t.Errorf("afterwards: %v", a)
	}
}

func commandHead(r *rig) {
	a := r.ask("HEAD", "/app/big?1234", "")
	if a.status != 200 || a.body != "" || a.header.Get("Content-Length") != "1234" {
		r.t.Errorf("got %v", a)
	}
}

func commandPanic(r *rig) {
	id := r.refused(r.get("/app/panic"), 500, "the handler failed")
	if r.reason(id) == "" {
		r.t.Errorf("the log says nothing")
	}
	if a := r.get("/app/count"); a.body != "1" {
		r.t.Errorf("afterwards: %v", a)
	}
}

func commandLog(r *rig) {
	if a := r.ask("GET", "/app/log", "", "X-Request-Id: told"); a.status != 204 {
		r.t.Errorf("got %v", a)
	}
	r.logged("a line for the log", "request_id", "told", "stream", "stderr", "handler", "@cgi")
}

// commandOutput: what is no CGI response is told to the log and not to the client.
func commandOutput(r *rig) {
	for output, reason := range map[string]string{
		"":                                 "wrote nothing",
		"<p>hello</p>\n\nmore":             `does not begin with a header but with "<p>hello</p>"`,
		"hello":                            `does not begin with a header but with "hello"`,
		"HTTP/1.1 200 OK\r\n\r\n":          "is a status line",
		"\nbody":                           "begins with an empty line",
		"A: b\nC: d":                       "ended within its headers",
		"A: b\nSet it\n\n":                 `line 2 is no header ("Set it")`,
		"A: b\x01\n\n":                     "control character",
		"Status: 99\n\n":                   "no status from 200 to 599",
		"A: " + strings.Repeat("x", 1<<17): "over 65536 bytes",
		strings.Repeat("A: b\n", 1<<15):    "over 65536 bytes",
	} {
		id := r.refused(r.ask("POST", "/app/raw", output), 500, "the handler failed")
		if got := r.reason(id); !strings.HasPrefix(got, "CGI response: ") || !strings.Contains(got, reason) {
			r.t.Errorf("%.40q: the log says %q, want %q", output, got, reason)
		}
	}
	a := r.ask("POST", "/app/raw", "status: 418 Teapot\r\nSet-Cookie: a=1\r\nset-cookie: b=2\nContent-Length: 7\nDate: never\nConnection: close\nServer: mine\nX-Request-Id: own\r\n\r\n\r\nbody")
	if a.status != 418 || a.body != "\r\nbody" || a.close || len(a.header["Set-Cookie"]) != 2 || a.header.Get("Server") == "mine" || !slices.Equal(a.header["X-Request-Id"], []string{"own"}) {
		r.t.Errorf("got %v", a)
	}
	c := r.dial() // a client that does not follow
	output := "Location: /elsewhere\n\n"
	c.send(fmt.Sprintf("POST /app/raw HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(output), output))
	if a := c.answer("POST"); a.status != 302 || a.header.Get("Location") != "/elsewhere" {
		r.t.Errorf("a redirect: %v", a)
	}
}

func commandsAtOnce(r *rig) {
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			body := string(bytes.Repeat([]byte{byte('a' + n)}, 70_000+n))
			for range 10 {
				if a, err := r.try("POST", "/app/echo", body); err != nil || a.body != body {
					r.t.Errorf("echo: %v, %d bytes, %v", a.status, len(a.body), err)
				}
				if a, err := r.try("GET", "/app/count", ""); err != nil || a.body != "1" {
					r.t.Errorf("count: %v, %v", a, err)
				}
			}
		})
	}
	all.Wait()
}

// reason returns why the log says that a request failed.
func (r *rig) reason(id string) string {
	r.t.Helper()
	return r.logged("handler failed", "request_id", id).text("reason")
}
