package lanetest

import (
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/wasmlane/wasmlane/sdk/go/internal/native"
)

// Request is a request to run a handler for. Its methods change it and return it,
// so that a test can write it in one line.
type Request struct {
	method, target string
	route, id      string
	host, remote   string
	headers        []field
	params         map[string]string
	body           string
	size           int64 // Content-Length; -1 for a chunked body
	env            *Env
}

// field is one header line. The name is in lower case.
type field struct{ name, value string }

// NewRequest returns a request. target is the path and query as a client sends
// them, "/users/7?full=1".
func NewRequest(method, target, body string) *Request {
	return &Request{
		method: method,
		target: target,
		id:     "test",
		host:   "localhost",
		remote: "127.0.0.1",
		params: map[string]string{},
		body:   body,
		size:   int64(len(body)),
	}
}

// Get returns a GET request.
func Get(target string) *Request { return NewRequest("GET", target, "") }

// Post returns a POST request.
func Post(target, body string) *Request { return NewRequest("POST", target, body) }

// Put returns a PUT request.
func Put(target, body string) *Request { return NewRequest("PUT", target, body) }

// Delete returns a DELETE request.
func Delete(target string) *Request { return NewRequest("DELETE", target, "") }

// Param sets the value of a {name} of the route.
func (r *Request) Param(name, value string) *Request {
	r.params[name] = value
	return r
}

// Header adds a header.
func (r *Request) Header(name, value string) *Request {
	r.headers = append(r.headers, field{strings.ToLower(name), value})
	return r
}

// Host sets the Host header, "localhost" to start with.
func (r *Request) Host(host string) *Request {
	r.host = host
	return r
}

// Route sets the pattern that Request.Route tells the handler.
func (r *Request) Route(pattern string) *Request {
	r.route = pattern
	return r
}

// ID sets the request id, "test" to start with.
func (r *Request) ID(id string) *Request {
	r.id = id
	return r
}

// RemoteAddr sets the client's address, "127.0.0.1" to start with.
func (r *Request) RemoteAddr(addr string) *Request {
	r.remote = addr
	return r
}

// Chunked sends the body without a Content-Length.
func (r *Request) Chunked() *Request {
	r.size = -1
	return r
}

// In sets the Env that the handler runs in. Without it there is a new one for the
// request.
func (r *Request) In(env *Env) *Request {
	r.env = env
	return r
}

// Do runs handler, an exported function of the plugin, for the request and
// returns its response. What the handler logs is in t's log, too. A panic of the
// handler is not recovered. The request can be used again.
func (r *Request) Do(t T, handler func()) *Response {
	t.Helper()
	path, query, _ := strings.Cut(r.target, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(r.target, " #") {
		t.Fatalf("lanetest: %q is no request target; write a path such as \"/users/7?full=1\", escaped where needed", r.target)
	}
	x := &exchange{request: r, path: decoded, query: query, env: r.env, t: t}
	x.response.Status = 200
	if x.env == nil {
		x.env = New()
	}
	x.random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	if x.env.Seed != 0 {
		x.random = rand.New(rand.NewPCG(x.env.Seed, 0))
	}
	x.headers = append(x.headers, field{"host", r.host})
	x.headers = append(x.headers, r.headers...)
	x.headers = append(x.headers, framing(r)...)
	native.Run(x, handler)
	return x.finish()
}
