package call

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/valyala/fasthttp"
)

// message is a request as it goes over the wire.
type message struct {
	first []byte // the head, and the body when it is small
	rest  []byte // the body when it is not

	head       bool // a HEAD request: the answer has no body
	idempotent bool
}

const (
	// joinBody is the largest body sent together with the head in one write.
	joinBody = 16 << 10
	// keepBuffer is the largest buffer kept for the next request.
	keepBuffer = 64 << 10
)

// Idempotent reports whether sending a request twice is the same as once (RFC
// 9110 section 9.2.2).
func Idempotent(req *fasthttp.Request) bool {
	switch string(req.Header.Method()) {
	case fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodOptions, fasthttp.MethodTrace,
		fasthttp.MethodPut, fasthttp.MethodDelete:
		return true
	}
	return false
}

// appendRequest writes a request in HTTP/1.1. The library's own writing rewrites
// paths and leaves out what it holds to be a mistake.
func appendRequest(dst []byte, o *origin, req *fasthttp.Request) (first, rest []byte, err error) {
	method, target, body := req.Header.Method(), req.Header.RequestURI(), req.Body()
	if !isToken(method) || string(method) == fasthttp.MethodConnect {
		return dst, nil, fmt.Errorf("%w: method %q", ErrRequest, method)
	}
	if target[0] != '/' || !isTarget(target) {
		return dst, nil, fmt.Errorf("%w: path %q must begin with a slash and hold neither spaces nor control characters", ErrRequest, target)
	}
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, o.header...)
	dst = append(dst, "\r\n"...)
	for name, value := range req.Header.All() {
		if ours(name) {
			continue
		}
		if !isToken(name) || !isValue(value) {
			return dst, nil, fmt.Errorf("%w: header %q", ErrRequest, name)
		}
		dst = append(dst, name...)
		dst = append(dst, ": "...)
		dst = append(dst, value...)
		dst = append(dst, "\r\n"...)
	}
	if len(body) > 0 || wantsLength(method) {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(len(body)), 10)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	if len(body) <= joinBody {
		return append(dst, body...), nil, nil
	}
	return dst, body, nil
}

// wantsLength reports whether a request of the method without a body says so (RFC
// 9110 section 8.6).
func wantsLength(method []byte) bool {
	switch string(method) {
	case fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodOptions, fasthttp.MethodTrace, fasthttp.MethodDelete:
		return false
	}
	return true
}

// ours reports the headers that this package decides on.
func ours(name []byte) bool {
	for _, own := range [...]string{
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
		"Proxy-Connection", "Te", "Trailer", "Upgrade", "Expect",
	} {
		if len(name) == len(own) && bytes.EqualFold(name, []byte(own)) {
			return true
		}
	}
	return false
}

func isToken(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0:
		default:
			return false
		}
	}
	return len(b) > 0
}

func isTarget(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

func isValue(b []byte) bool {
	for _, c := range b {
		if (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
