package host

import (
	"fmt"
	"net/http"
	"testing"
)

// BenchmarkCommand is what one request to a WASI command costs over one
// connection on the loopback interface, beside a handler that says the same: the
// difference is the command's. "example" is examples/cgi.
func BenchmarkCommand(b *testing.B) {
	b.Run("handler", func(b *testing.B) {
		benchmarkRequests(b, setup{guests: map[string]*guest{"app": says("1")}, routes: "GET /app/count app.get"}, "GET", "/app/count", "", "1")
	})
	command := func(name string, build func(testing.TB) []byte, method, body, want string) {
		b.Run(name, func(b *testing.B) {
			s := setup{files: map[string][]byte{"plugins/app.wasm": build(b)}, routes: "* /app/{rest...} app.@cgi"}
			benchmarkRequests(b, s, method, "/app/count", body, want)
		})
	}
	for language, build := range commandBuilders() {
		command(language, build, "GET", "", "1")
	}
	command("example", func(t testing.TB) []byte {
		return compileCommand(t, []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS="},
			"go", "build", "-C", "../examples/cgi", "-trimpath", "-ldflags=-s -w", "-o", "OUT", ".")
	}, "POST", "to be or not to be", "6 words\n")
}

func benchmarkRequests(b *testing.B, s setup, method, path, body, want string) {
	s.keys = "log.level = \"error\"\nlog.access = false"
	r := start(b, s)
	conn := r.dial()
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	b.ReportAllocs()
	for b.Loop() {
		conn.send(request)
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil {
			b.Fatal(err)
		}
		if a, err := readAnswer(resp); err != nil || a.status != 200 || a.body != want {
			b.Fatalf("got %v, %v", a, err)
		}
	}
}
