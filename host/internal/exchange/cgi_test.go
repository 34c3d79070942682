package exchange

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
)

var update = flag.Bool("update", false, "write what the cases in testdata/cgi give as what they should give")

// newCGI is an exchange that a command answers.
func newCGI(t testing.TB) *Exchange {
	t.Helper()
	x := Acquire()
	t.Cleanup(x.Release)
	if err := x.BeginText(new(fasthttp.Response), []byte("GET /app/a HTTP/1.1\nHost: h\nX-Request-Id: id\n"), nil); err != nil {
		t.Fatal(err)
	}
	x.Plugin, x.Handler, x.Route = &Plugin{Name: "app", MaxResponse: 1 << 20}, "@cgi", "/app/{rest...}"
	x.BeginCGI()
	return x
}

// respond writes output in pieces and returns the response as text, or what was
// wrong with it.
func respond(x *Exchange, output []byte, size int) string {
	for len(output) > 0 {
		n := min(size, len(output))
		if err := x.Output(1, output[:n]); err != nil {
			return "error: " + err.Error() + "\n"
		}
		output = output[n:]
	}
	if err := x.EndCGI(); err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "status: %d\n", x.Response.StatusCode())
	for name, value := range x.Response.Header.All() {
		if n := string(name); n != "Content-Length" && n != "Date" && n != "X-Request-Id" {
			fmt.Fprintf(&b, "header: %.80q\n", n+": "+string(value))
		}
	}
	fmt.Fprintf(&b, "body: %q\n", x.Response.Body())
	return b.String()
}

// The cases: what a command writes is NAME.in, and what comes of it NAME.want. In
// how many pieces it is written is no matter.
func TestCGIResponse(t *testing.T) {
	files, err := filepath.Glob("testdata/cgi/*.in")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no cases")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".in"), func(t *testing.T) {
			output, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := respond(newCGI(t), output, len(output))
			golden := strings.TrimSuffix(file, ".in") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; run go test -update and read what it wrote", err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			for _, size := range []int{1, 7, 4096} {
				if again := respond(newCGI(t), output, size); again != got {
					t.Errorf("in pieces of %d bytes\n%s\nwant\n%s", size, again, got)
				}
			}
		})
	}
}

// TestCGILongHead: 64 KiB of head with its empty line, and no more.
func TestCGILongHead(t *testing.T) {
	line := func(n int) string { return "A: " + strings.Repeat("x", n-len("A: \n")) + "\n" }
	for _, c := range []struct{ output, want string }{
		{line(abi.MaxResponseHead-1) + "\nbody", "body: \"body\"\n"},
		{line(abi.MaxResponseHead) + "\nbody", "error: CGI response: the headers are over 65536 bytes"},
		{line(70_000) + "\nbody", "error: CGI response: the headers are over 65536 bytes"},
		{strings.Repeat("A: b\n", 14_000) + "\nbody", "error: CGI response: the headers are over 65536 bytes"},
		{strings.Repeat("A: b\n", 5_000) + strings.Repeat("x", 70_000), "error: CGI response: the headers are over 65536 bytes"},
		{"A: b\nno header\n" + strings.Repeat("x", 70_000), "error: CGI response: line 2 is no header"},
		{strings.Repeat("x", 70_000), "error: CGI response: the output does not begin with a header"},
	} {
		for _, size := range []int{1 << 20, 1000} {
			if got := respond(newCGI(t), []byte(c.output), size); !strings.Contains(got, c.want) {
				t.Errorf("%.20q… in pieces of %d: got %.200s, want %s", c.output, size, got, c.want)
			}
		}
	}
}

func TestCGITooLarge(t *testing.T) {
	x := newCGI(t)
	x.Plugin = &Plugin{Name: "app", MaxResponse: 10}
	if got := respond(x, []byte("A: b\n\n0123456789"), 5); !strings.HasSuffix(got, "body: \"0123456789\"\n") || x.Overflowed() {
		t.Errorf("a body as large as may be: %s", got)
	}
	if err := x.Output(1, []byte("x")); !errors.Is(err, errOverflow) || !x.Overflowed() {
		t.Errorf("one byte more: %v", err)
	}
}

// FuzzCGIResponse: whatever a command writes, it is a response or an error of one
// line, the same however it is cut, and sets nothing that is the host's.
func FuzzCGIResponse(f *testing.F) {
	files, _ := filepath.Glob("testdata/cgi/*.in")
	for _, file := range files {
		output, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(output, uint16(3))
	}
	f.Fuzz(func(t *testing.T, output []byte, size uint16) {
		x, again := newCGI(t), newCGI(t)
		whole := respond(x, output, max(len(output), 1))
		if cut := respond(again, output, int(size)+1); cut != whole {
			t.Fatalf("in pieces of %d bytes\n%s\nas a whole\n%s", int(size)+1, cut, whole)
		}
		if text, failed := strings.CutPrefix(whole, "error: "); failed {
			if strings.Count(text, "\n") != 1 {
				t.Fatalf("an error of several lines: %q", text)
			}
			return
		}
		if s := x.Response.StatusCode(); s < 200 || s > 599 {
			t.Fatalf("status %d", s)
		}
		for name, value := range x.Response.Header.All() {
			if !isToken(name) || !isFieldValue(value) {
				t.Fatalf("header %q: %q", name, value)
			}
			if n := string(name); n != "Content-Length" && hostsHeader(name) {
				t.Fatalf("header %q is the host's", name)
			}
		}
		if body := x.Response.Body(); !bytes.HasSuffix(output, body) || len(output)-len(body) > abi.MaxResponseHead {
			t.Fatalf("%d bytes of body of %d", len(body), len(output))
		}
		if !bytes.Equal(x.Response.Header.Peek("X-Request-Id"), []byte("id")) && !bytes.Contains(bytes.ToLower(output), []byte("x-request-id")) {
			t.Fatal("the request id is gone")
		}
	})
}

// Where the path is split.
func TestCGIPath(t *testing.T) {
	for _, c := range []struct{ route, path, rest, script, info string }{
		{"/app/{rest...}", "/app/a/b", "a/b", "/app", "/a/b"},
		{"/app/{rest...}", "/app/", "", "/app", "/"},
		{"/{all...}", "/a", "a", "", "/a"},
		{"/{all...}", "/", "", "", "/"},
		{"/u/{id}/{rest...}", "/u/7/x%20y", "x y", "/u/7", "/x y"},
		{"/app", "/app", "", "/app", ""},
		{"/u/{id}", "/u/7", "", "/u/7", ""},
		{"(invoked)", "/a/b", "", "", "/a/b"},
	} {
		x := newCGI(t)
		x.Route, x.Request.Path = c.route, []byte(c.path)
		x.Params = pairs{"rest": c.rest, "all": c.rest, "id": "7"}
		if script, info := x.splitPath(); string(script) != c.script || string(info) != c.info {
			t.Errorf("%s of %s: %q and %q, want %q and %q", c.path, c.route, script, info, c.script, c.info)
		}
	}
}

// Where the server is.
func TestCGIServerName(t *testing.T) {
	for host, want := range map[string]string{
		"example.com": "example.com", "example.com:8001": "example.com", "[::1]:80": "[::1]", "[::1]": "[::1]", "": "localhost",
	} {
		x := newCGI(t)
		x.Request.Host = []byte(host)
		if name, port := x.serverName(); name != want || port != "80" {
			t.Errorf("%q: %q and %q, want %q", host, name, port, want)
		}
	}
}
