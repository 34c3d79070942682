//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestWire sends bytes to the sample's host and compares what comes back, with the
// cases in testdata/wire. A line of a case is
//
//	send "bytes, quoted as in Go"
//	fill 9000                  sends so many bytes
//	got 200                    the next answer's status
//	got 400 "part of reason"   an error as JSON, with the id of the request
//	header Name: value         of that answer
//	body "all of it"           of that answer
//	own-id                     that answer has an id that the host has made
//	end                        the host has closed, without a reset
//
// and lines that start with # say what the case is about.
func TestWire(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	s := newSite(t)
	s.edit(`max_body               = "4MiB"`, `max_body = "64KiB"`)
	p := s.start()
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p.t = t
			w := &wire{t: t, session: p.session()}
			for n, line := range strings.Split(string(text), "\n") {
				if err := w.step(line); err != nil {
					t.Fatalf("%s:%d: %v", file, n+1, err)
				}
			}
		})
	}
	p.t = t
	p.get("/health").want(200)
}

// wire is one connection of a case.
type wire struct {
	t *testing.T
	*session
	method string
	reply  reply // the last answer
}

// step does what a line of a case says.
func (w *wire) step(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "", "#":
		return nil
	case "send":
		bytes, err := strconv.Unquote(rest)
		if err != nil {
			return err
		}
		w.method, _, _ = strings.Cut(bytes, " ")
		_, err = w.Write([]byte(bytes))
		return err
	case "fill":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, strings.Repeat("x", n))
		return err
	case "got":
		return w.got(rest)
	case "header":
		name, want, _ := strings.Cut(rest, ": ")
		return differs(name, w.reply.header.Get(name), want)
	case "body":
		want, err := strconv.Unquote(rest)
		if err != nil {
			return err
		}
		return differs("the body", w.reply.body, want)
	case "own-id":
		if id := w.reply.header.Get("X-Request-Id"); !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
			return fmt.Errorf("the request id is %q", id)
		}
		return nil
	case "end":
		return w.ended()
	}
	return fmt.Errorf("%q is no verb", verb)
}

func (w *wire) got(want string) error {
	resp, err := w.answer(w.method)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if w.reply, err = readReply(w.t, resp); err != nil {
		return err
	}
	status, quoted, refused := strings.Cut(want, " ")
	code, err := strconv.Atoi(status)
	if err != nil {
		return err
	}
	if !refused {
		w.reply.want(code)
		return nil
	}
	reason, err := strconv.Unquote(quoted)
	if err != nil {
		return err
	}
	w.reply.refused(code, reason)
	return nil
}

func differs(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s is %q, want %q", what, got, want)
	}
	return nil
}

// A client that is still sending sees why nobody wants it.
func TestAnswerDuringUpload(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	const chunk = 64 << 10
	for name, head := range map[string]string{
		"announced": "Content-Length: 1000000000\r\n",
		"chunked":   "Transfer-Encoding: chunked\r\n",
		"nowhere":   "Content-Length: 1000000000\r\nX-Path: of no route\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			p.t = t
			path, status := "/users", http.StatusRequestEntityTooLarge
			if name == "nowhere" {
				path, status = "/nowhere", http.StatusNotFound
			}
			s := p.session()
			if _, err := fmt.Fprintf(s, "POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, head); err != nil {
				t.Fatal(err)
			}
			go func() {
				// More than the host would read, until it has closed.
				data := []byte(fmt.Sprintf("%x\r\n%s\r\n", chunk, strings.Repeat("x", chunk)))
				for range 1_000_000_000 / chunk {
					if _, err := s.Write(data); err != nil {
						return
					}
				}
			}()
			resp, err := s.answer("POST")
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			r, err := readReply(t, resp)
			if err != nil {
				t.Fatal(err)
			}
			r.refused(status, "")
			if !resp.Close {
				t.Error("the answer does not say that the connection ends")
			}
		})
	}
	p.t = t
	p.get("/health").want(200)
}

func TestLargeHead(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	for _, r := range []reply{
		p.do("GET", "/health", "", "X-Large: "+strings.Repeat("x", 5000)),
		p.get("/health?" + strings.Repeat("x", 5000)),
	} {
		r.refused(431, "server.http_buffer_size")
	}
	p.do("GET", "/health", "", "X-Large: "+strings.Repeat("x", 3000)).want(200)
	// An id of 128 characters is kept, a longer one is not.
	long := strings.Repeat("i", 128)
	if id := p.do("GET", "/health", "", "X-Request-Id: "+long).header.Get("X-Request-Id"); id != long {
		t.Errorf("the id %q was not kept", id)
	}
	if id := p.do("GET", "/health", "", "X-Request-Id: "+long+"i").header.Get("X-Request-Id"); len(id) != 32 {
		t.Errorf("the id is %q, want one of the host's own", id)
	}
}
