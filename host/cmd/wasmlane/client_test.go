//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// reply is a response that has been read whole.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// do sends a request to the host; headers are "Name: value".
func (p *process) do(method, path, body string, headers ...string) reply {
	p.t.Helper()
	return p.send(p.addr, method, path, body, headers...)
}

func (p *process) get(path string) reply {
	p.t.Helper()
	return p.do("GET", path, "")
}

// operate sends a request to the admin listener.
func (p *process) operate(method, path string) reply {
	p.t.Helper()
	return p.send(p.admin, method, path, "")
}

func (p *process) send(addr, method, path, body string, headers ...string) reply {
	p.t.Helper()
	req, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	// A connection of its own: whether the host keeps connections is for those
	// tests to find out that are about it.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	r, err := readReply(p.t, resp)
	if err != nil {
		p.t.Fatalf("%s %s: reading the body: %v", method, path, err)
	}
	return r
}

func readReply(t *testing.T, resp *http.Response) (reply, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{t, resp.StatusCode, resp.Header, string(body)}, err
}

// want checks the status.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("got %d %s, want %d", r.status, r.body, status)
	}
	return r
}

// refused checks an error answer: JSON with a reason and the id of the request.
func (r reply) refused(status int, reason string) reply {
	r.t.Helper()
	r.want(status)
	var body struct {
		Error     string `json:"error"`
		RequestID string `json:"request_id"`
	}
	r.decode(&body)
	if !strings.Contains(body.Error, reason) {
		r.t.Errorf("the error is %q, want %q in it", body.Error, reason)
	}
	if body.RequestID == "" || body.RequestID != r.header.Get("X-Request-Id") {
		r.t.Errorf("the request id is %q in the body %s and %q in the header", body.RequestID, r.body, r.header.Get("X-Request-Id"))
	}
	return r
}

func (r reply) decode(to any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.body), to); err != nil {
		r.t.Fatalf("the body %q: %v", r.body, err)
	}
	if ct := r.header.Get("Content-Type"); ct != "application/json" {
		r.t.Errorf("Content-Type is %q, want application/json", ct)
	}
}

// field returns a text of a JSON object.
func (r reply) field(name string) string {
	r.t.Helper()
	var object map[string]any
	r.decode(&object)
	s, ok := object[name].(string)
	if !ok {
		r.t.Fatalf("no text %q in %s", name, r.body)
	}
	return s
}

// session is one client and its connection, which it keeps. It repeats nothing by
// itself, as many HTTP libraries do.
type session struct {
	net.Conn
	r *bufio.Reader
}

func connect(addr string) (*session, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	return &session{c, bufio.NewReader(c)}, nil
}

// session connects to the host until the test ends.
func (p *process) session() *session {
	p.t.Helper()
	s, err := connect(p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = s.Close() })
	return s
}

// ask sends a request and returns its answer.
func (s *session) ask(method, path, body string) (*http.Response, error) {
	_, err := fmt.Fprintf(s, "%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	if err != nil {
		return nil, err
	}
	return s.answer(method)
}

// answer reads the next answer whole.
func (s *session) answer(method string) (*http.Response, error) {
	resp, err := http.ReadResponse(s.r, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	return resp, err
}

// ended reports whether the host has closed the connection, with no byte more and
// without a reset.
func (s *session) ended() error {
	rest, err := io.ReadAll(s.r)
	if err == nil && len(rest) > 0 {
		err = errors.New("not the end, but " + string(rest))
	}
	return err
}
