package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestRaw sends bytes and compares what comes back, and what the handler saw, with
// the cases in testdata/raw. A line of a case is
//
//	send "bytes, quoted as in Go"
//	eof                              the client ends its sending side
//	saw GET /target HTTP/1.1 "raw headers" "body"
//	got 200                          the next answer's status
//	got 400 "part of the message"
//	end                              the server has closed, without a reset
//
// and lines that start with # say what the case is about.
func TestRaw(t *testing.T) {
	files, err := filepath.Glob("testdata/raw/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	var seen []string
	o := options()
	o.Config.MaxBody = 1000
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		h := &ctx.Request.Header
		raw := string(h.RawHeaders())
		body := "-"
		if r := ctx.RequestBodyStream(); r != nil {
			b, err := io.ReadAll(r)
			body = strconv.Quote(string(b))
			if err != nil {
				body += " error"
				ctx.SetStatusCode(400)
			}
		}
		seen = append(seen, fmt.Sprintf("%s %s %s %q %s", h.Method(), h.RequestURI(), h.Protocol(), raw, body))
	}
	s := start(t, o)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			seen = nil
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s.t = t
			c := s.dial()
			method, got := "GET", []string{}
			lines := bufio.NewScanner(strings.NewReader(string(text)))
			for n := 1; lines.Scan(); n++ {
				line := lines.Text()
				verb, rest, _ := strings.Cut(line, " ")
				switch verb {
				case "#", "":
				case "send":
					bytes, err := strconv.Unquote(rest)
					if err != nil {
						t.Fatalf("line %d: %v", n, err)
					}
					if strings.HasPrefix(bytes, "HEAD ") {
						method = "HEAD"
					}
					c.send(bytes)
				case "eof":
					closeWrite(t, c)
				case "saw":
					got = append(got, rest)
				case "got":
					status, message, _ := strings.Cut(rest, " ")
					a, err := c.tryAnswer(method)
					if err != nil {
						t.Fatalf("line %d: no answer: %v", n, err)
					}
					if strconv.Itoa(a.StatusCode) != status {
						t.Fatalf("line %d: answer %d %q, want %s", n, a.StatusCode, a.text, status)
					}
					if message != "" {
						want, err := strconv.Unquote(message)
						if err != nil {
							t.Fatalf("line %d: %v", n, err)
						}
						a.refused(t, a.StatusCode, want)
					}
				case "end":
					c.ended()
				default:
					t.Fatalf("line %d: %q is no verb", n, verb)
				}
			}
			_ = c.Close()
			s.waitOpen(0)
			if a, b := strings.Join(seen, "\n"), strings.Join(got, "\n"); a != b {
				t.Errorf("the handler saw\n%s\nwant\n%s", a, b)
			}
		})
	}
}

func closeWrite(t *testing.T, c *peer) {
	t.Helper()
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		t.Fatal(errors.ErrUnsupported)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
}
