package exchange

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/trace"
)

// CallRequest is what a guest wants to send to another service. It aliases the
// caller's buffers and memory, and lives as long as the call.
type CallRequest struct {
	Method []byte
	Target []byte // path and query
	Head   Head
	Body   []byte

	buf    []byte // the head's text; names are lowered in it
	parent [trace.HeaderLen]byte
}

// parse reads the head of a call: "METHOD TARGET" and a header a line. It
// reports whether all of it has that form and holds no header that is the
// host's to set.
func (r *CallRequest) parse(head []byte) bool {
	r.buf = append(r.buf[:0], head...)
	line, fields, _ := bytes.Cut(r.buf, []byte{'\n'})
	method, target, ok := bytes.Cut(line, []byte{' '})
	if !ok || !isToken(method) || len(target) == 0 || target[0] != '/' {
		return false
	}
	for _, c := range target {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	// A stray CR is a mistake of the guest's; its lines end in LF.
	if bytes.IndexByte(r.buf, '\r') >= 0 {
		return false
	}
	if r.Head.parse(fields, textLines) != nil {
		return false
	}
	for i := range r.Head.fields {
		switch name := r.Head.fields[i].name; string(name) {
		case "host", "content-length", "x-request-id", "expect":
			return false
		default:
			if hopByHop(name) {
				return false
			}
		}
	}
	r.Method, r.Target = method, target
	return true
}

// Names of headers that travel along. Never written to.
var (
	requestIDName   = []byte("x-request-id")
	traceParentName = []byte("traceparent")
	traceStateName  = []byte("tracestate")
)

// inherit adds the headers that travel along with a call by themselves: the
// request id, and the trace context unless the guest gave one. In a trace that is
// recorded the span of the call is the parent of what the other side does.
func (r *CallRequest) inherit(x *Exchange, s Span) {
	if len(x.Request.ID) > 0 {
		r.Head.fields = append(r.Head.fields, field{requestIDName, x.Request.ID})
	}
	t := &x.trace
	if !t.known || r.Head.lookup("traceparent") != nil {
		return
	}
	context := t.context
	if s.On() {
		context.Span = s.id
	}
	r.Head.fields = append(r.Head.fields, field{traceParentName, context.Append(r.parent[:0])})
	if t.state != nil && r.Head.lookup("tracestate") == nil {
		r.Head.fields = append(r.Head.fields, field{traceStateName, t.state})
	}
}

// CopyTo fills a request that goes over the network. The origin is the
// caller's to set.
func (r *CallRequest) CopyTo(req *fasthttp.Request) {
	req.Header.SetMethodBytes(r.Method)
	req.SetRequestURIBytes(r.Target)
	for i := range r.Head.fields {
		req.Header.AddBytesKV(r.Head.fields[i].name, r.Head.fields[i].value)
	}
	if len(r.Body) > 0 {
		req.SetBody(r.Body)
	}
}

// BeginCall fills the exchange from a call that parent's guest makes to a
// service on this host. No socket is involved: the request is the caller's head
// and body as they stand in its memory, which is still while it waits.
func (x *Exchange) BeginCall(parent *Exchange, service []byte, r *CallRequest, resp *fasthttp.Response) error {
	x.begin(resp)
	x.parent, x.depth = parent, parent.depth+1
	q := &x.Request
	q.Method, q.Target, q.Host = r.Method, r.Target, service
	q.Scheme, q.Protocol = "http", protocol11
	q.ID, q.address, q.remote = parent.Request.ID, parent.Request.address, parent.Request.remote
	q.Body, q.BodySize = r.Body, int64(len(r.Body))
	q.Head.fields = append(q.Head.fields[:0], r.Head.fields...)
	q.Head.fields = append(q.Head.fields, field{[]byte("host"), service})
	resp.Header.SetNoDefaultContentType(true)
	resp.Header.SetBytesV(requestIDHeader, q.ID)
	return q.splitTarget()
}

// protocol11 is what a call in process speaks. Never written to.
var protocol11 = []byte("HTTP/1.1")

// callHandle is the response of one call, read by its guest.
type callHandle struct {
	resp *fasthttp.Response // nil: the slot is free
	read int
}

// openCall gives resp a handle.
func (x *Exchange) openCall(resp *fasthttp.Response) int {
	for i := range x.calls {
		if x.calls[i].resp == nil {
			x.calls[i] = callHandle{resp: resp}
			return i
		}
	}
	x.calls = append(x.calls, callHandle{resp: resp})
	return len(x.calls) - 1
}

// openCalls counts the handles in use.
func (x *Exchange) openCalls() int {
	n := 0
	for i := range x.calls {
		if x.calls[i].resp != nil {
			n++
		}
	}
	return n
}

// handle returns the call behind a guest's handle, or nil.
func (x *Exchange) handle(h uint64) *callHandle {
	i := uint64(uint32(h))
	if i >= uint64(len(x.calls)) || x.calls[i].resp == nil {
		return nil
	}
	return &x.calls[i]
}

func (c *callHandle) close() {
	fasthttp.ReleaseResponse(c.resp)
	*c = callHandle{}
}

func (x *Exchange) closeCalls() {
	for i := range x.calls {
		if x.calls[i].resp != nil {
			x.calls[i].close()
		}
	}
	x.calls = x.calls[:0]
}
