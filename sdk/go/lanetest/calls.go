package lanetest

import (
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// answer is the response of one call.
type answer struct {
	status int
	header http.Header
	body   []byte // what is left
}

func (x *exchange) Call(target, head, body string) int32 {
	if len(head) > abi.MaxCallHead || x.openCalls() >= abi.MaxOpenCalls {
		return abi.TooLarge
	}
	method, path, headers, ok := parseHead(head)
	if !ok {
		return abi.Invalid
	}
	stub, ok := x.env.service(target)
	switch {
	case !ok:
		return abi.Denied
	case stub.code < 0:
		return stub.code
	}
	host := target[strings.Index(target, "://")+1:]
	req, err := http.NewRequest(method, "http://"+strings.TrimLeft(host, ":/")+path, strings.NewReader(body))
	if err != nil {
		return x.open(&answer{status: 400, header: http.Header{}})
	}
	req.RequestURI = path
	for _, h := range headers {
		req.Header.Add(h.name, h.value)
	}
	req.Header.Set("X-Request-Id", x.request.id)
	x.inherit(req.Header)
	recorder := httptest.NewRecorder()
	stub.handler(recorder, req)
	return x.open(&answer{recorder.Code, recorder.Result().Header, recorder.Body.Bytes()})
}

// inherit hands the trace context on, unless the handler gave one.
func (x *exchange) inherit(header http.Header) {
	if header.Get("traceparent") != "" {
		return
	}
	for _, h := range x.headers {
		if h.name == "traceparent" || h.name == "tracestate" {
			header.Set(h.name, h.value)
		}
	}
}

// parseHead reads the head of a call: "METHOD PATH" and a header a line.
func parseHead(head string) (method, path string, headers []field, ok bool) {
	line, rest, _ := strings.Cut(head, "\n")
	method, path, ok = strings.Cut(line, " ")
	if !ok || !isToken(method) || !strings.HasPrefix(path, "/") {
		return "", "", nil, false
	}
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f {
			return "", "", nil, false
		}
	}
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\n")
		name, value, found := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		if !found || !isToken(name) || !isFieldValue(value) || !isCallers(name) {
			return "", "", nil, false
		}
		headers = append(headers, field{name, value})
	}
	return method, path, headers, true
}

// isCallers reports whether a header, in lower case, is the caller's to set.
func isCallers(name string) bool {
	switch name {
	case "host", "content-length", "x-request-id", "expect":
		return false
	}
	return !abi.IsHopByHop(name)
}

func (x *exchange) openCalls() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, a := range x.calls {
		if a != nil {
			n++
		}
	}
	return n
}

// open gives a an unused handle.
func (x *exchange) open(a *answer) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.calls {
		if x.calls[i] == nil {
			x.calls[i] = a
			return int32(i)
		}
	}
	x.calls = append(x.calls, a)
	return int32(len(x.calls) - 1)
}

// find returns the answer behind a handle, or nil. x.mu is held.
func (x *exchange) find(handle int32) *answer {
	if handle < 0 || int(handle) >= len(x.calls) {
		return nil
	}
	return x.calls[handle]
}

func (x *exchange) CallStatus(handle int32) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.find(handle)
	if a == nil {
		return abi.Invalid
	}
	return int32(a.status)
}

func (x *exchange) CallHeader(handle int32, name string, index uint32, buf []byte) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.find(handle)
	if a == nil {
		return abi.Invalid
	}
	values := a.header.Values(name)
	if uint64(index) >= uint64(len(values)) {
		return abi.Absent
	}
	return give(buf, values[index])
}

func (x *exchange) CallBody(handle int32, buf []byte) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.find(handle)
	if a == nil {
		return abi.Invalid
	}
	n := copy(buf, a.body)
	a.body = a.body[n:]
	return int32(n)
}

func (x *exchange) CallClose(handle int32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.find(handle) != nil {
		x.calls[handle] = nil
	}
}
