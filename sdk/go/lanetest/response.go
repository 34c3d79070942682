package lanetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// maxResponse is server.max_response as it is when host.toml says nothing.
const maxResponse = 16 << 20

// Response is what a handler answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte   // empty in the answer to HEAD
	Chunks [][]byte // the pieces of the body as Flush sent them; nil without Flush

	t T
}

// Text returns the body as a string.
func (r *Response) Text() string { return string(r.Body) }

// JSON decodes the body into the value that v points to, and fails the test when
// it is not JSON or does not fit.
func (r *Response) JSON(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("lanetest: the response is not the JSON that was expected: %v\nstatus %d, body %q", err, r.Status, r.Body)
	}
}

// misuse ends the handler as the host does when a function is misused.
func misuse(format string, args ...any) { panic("lanetest: " + fmt.Sprintf(format, args...)) }

func (x *exchange) Status(code uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case code < 200 || code > 599:
		misuse("status: %d is outside 200 to 599", int32(code))
	case x.streaming:
		misuse("status: the head has been sent by flush")
	}
	x.response.Status = int(code)
}

func (x *exchange) SetHeader(name, value string) int32 { return x.changeHeader(name, value, true) }

func (x *exchange) AddHeader(name, value string) int32 { return x.changeHeader(name, value, false) }

func (x *exchange) changeHeader(name, value string, replace bool) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.streaming || !isToken(name) || !isFieldValue(value) || abi.IsHosts(strings.ToLower(name)):
		return abi.Invalid
	case x.headBytes+len(name)+len(value) > abi.MaxResponseHead:
		return abi.TooLarge
	}
	x.headBytes += len(name) + len(value)
	if x.response.Header == nil {
		x.response.Header = http.Header{}
	}
	if replace {
		x.response.Header.Del(name)
	}
	x.response.Header.Add(name, value)
	return 0
}

// isToken reports whether s may be a header's name or a method.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s holds no control character but tab.
func isFieldValue(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func (x *exchange) Write(p []byte) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.streaming && len(x.response.Body)+len(p) > maxResponse {
		x.overflow = true
		return abi.TooLarge
	}
	x.response.Body = append(x.response.Body, p...)
	return 0
}

func (x *exchange) Flush() int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.streaming = true
	x.cut()
	return 0
}

// cut makes a chunk of what was written since the last one.
func (x *exchange) cut() {
	if rest := x.response.Body[x.flushed:]; len(rest) > 0 {
		x.response.Chunks = append(x.response.Chunks, append([]byte(nil), rest...))
		x.flushed = len(x.response.Body)
	}
}

// finish returns the response as a client gets it.
func (x *exchange) finish() *Response {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := &x.response
	r.t = x.t
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if x.streaming {
		x.cut()
	} else if x.overflow {
		r.Status = 500
		r.Header = http.Header{"Content-Type": {"application/json"}}
		r.Body = fmt.Appendf(nil, "{\"error\": \"internal error\", \"request_id\": %q}\n", x.request.id)
	}
	if x.request.method == "HEAD" {
		r.Body, r.Chunks = nil, nil
	}
	return r
}
