package exchange

import (
	"bytes"
	"encoding/hex"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/trace"
)

// traced is the trace that an exchange belongs to. The zero value is none, and
// costs a look at known or recorded.
type traced struct {
	tracer   *trace.Tracer // of the host; nil: it records nothing
	known    bool          // there is a trace
	recorded bool          // its spans are
	context  trace.Context // Span: the parent of what comes next
	root     trace.SpanID  // of the request
	parent   trace.SpanID  // of root; zero: the trace begins here
	state    []byte        // tracestate, to be passed on
	failure  abi.Code      // of the operation on the store that runs
	hex      [32]byte      // the trace id, for logs
}

// StartTrace takes up the trace of the request's headers. Without a valid one, and
// with a tracer, which may be nil, a trace begins here. Whether a trace is recorded
// is decided where it begins.
func (x *Exchange) StartTrace(tracer *trace.Tracer) {
	t := &x.trace
	t.tracer = tracer
	if value, n := x.Request.Header("traceparent"); n == 1 {
		t.context, t.known = trace.Parse(value)
	}
	switch {
	case t.known:
		t.parent = t.context.Span
		t.state = x.Request.traceState()
	case tracer == nil:
		return
	default:
		t.known = true
		t.context.Trace = trace.NewID()
		if tracer.Sample(t.context.Trace) {
			t.context.Flags = trace.Sampled
		}
	}
	t.recorded = tracer != nil && t.context.Flags == trace.Sampled
	if t.recorded || t.context.Span == (trace.SpanID{}) {
		t.context.Span = trace.NewSpanID()
	}
	t.root = t.context.Span
	hex.Encode(t.hex[:], t.context.Trace[:])
}

// traceState returns the tracestate headers, which may be several, as one; nil
// when that cannot be passed on.
func (r *Request) traceState() []byte {
	state, n := r.Header("tracestate")
	if n > 1 {
		state = bytes.Clone(state)
		for i, first := 0, true; i < len(r.Head.fields); i++ {
			if f := &r.Head.fields[i]; string(f.name) == "tracestate" {
				if !first {
					state = append(append(state, ','), f.value...)
				}
				first = false
			}
		}
	}
	if !trace.ValidState(state) {
		return nil
	}
	return state
}

// Tracer returns what StartTrace was given.
func (x *Exchange) Tracer() *trace.Tracer { return x.trace.tracer }

// TraceID returns the id of the exchange's trace in hexadecimal, empty when there
// is none. It is valid until Release.
func (x *Exchange) TraceID() []byte {
	if !x.trace.known {
		return nil
	}
	return x.trace.hex[:]
}

// Span is a part of a recorded exchange that has begun. Of one that is not
// recorded it is zero.
type Span struct {
	id    trace.SpanID
	start time.Time
}

// On reports whether the span is recorded.
func (s *Span) On() bool { return !s.start.IsZero() }

// beginSpan begins a part of the exchange that waits for somebody else.
func (x *Exchange) beginSpan() Span {
	if !x.trace.recorded {
		return Span{}
	}
	return Span{trace.NewSpanID(), time.Now()}
}

// endSpan records it, below what the exchange is at.
func (x *Exchange) endSpan(s Span, kind trace.Kind, name string, failure string, attrs ...trace.Attr) {
	t := &x.trace
	t.tracer.Record(trace.Span{
		Trace: t.context.Trace, ID: s.id, Parent: t.context.Span, State: string(t.state), Name: name, Kind: kind,
		Start: s.start, End: time.Now(), Attrs: attrs, Failed: failure != "", Message: failure,
	})
}

// BeginRun begins the span of the guest's run; what the guest asks for is below it.
func (x *Exchange) BeginRun() Span {
	s := x.beginSpan()
	if s.On() {
		x.trace.context.Span = s.id
	}
	return s
}

// EndRun records the guest's run.
func (x *Exchange) EndRun(s Span, ok bool) {
	if !s.On() {
		return
	}
	x.trace.context.Span = x.trace.root
	failure := ""
	if !ok {
		failure = x.reason
		if failure == "" {
			failure = "failed"
		}
	}
	x.endSpan(s, trace.Internal, x.Plugin.Name+"."+x.Handler, failure,
		trace.Text("wasmlane.plugin", x.Plugin.Name), trace.Text("wasmlane.handler", x.Handler))
}

// endStore records an operation on the store. It is deferred before the operation.
func (x *Exchange) endStore(operation string, s Span) {
	failure := x.trace.failure
	x.trace.failure = 0
	if !s.On() {
		return
	}
	message := ""
	if failure != 0 {
		message = failure.String()
	}
	x.endSpan(s, trace.Client, operation, message, trace.Text("db.system.name", "wasmlane"), trace.Text("db.operation.name", operation))
}

// endCall records a call.
func (x *Exchange) endCall(s Span, target []byte, status int, code abi.Code) {
	attrs := []trace.Attr{
		trace.Text("http.request.method", string(x.callRequest.Method)),
		trace.Text("wasmlane.target", string(target)),
	}
	failure := ""
	switch {
	case code != 0:
		failure = code.String()
	default:
		attrs = append(attrs, trace.Number("http.response.status_code", int64(status)))
		if status >= 400 {
			failure = StatusText(status)
		}
	}
	x.endSpan(s, trace.Client, "call "+string(target), failure, attrs...)
}

// EndTrace records the request itself, which has ended now with that status.
func (x *Exchange) EndTrace(status int, now time.Time) {
	t := &x.trace
	if !t.recorded {
		return
	}
	r := &x.Request
	name := string(r.Method)
	attrs := []trace.Attr{
		trace.Text("http.request.method", name),
		trace.Text("url.path", string(r.Path)),
		trace.Text("url.scheme", r.Scheme),
		trace.Text("client.address", string(r.Remote())),
		trace.Number("http.response.status_code", int64(status)),
		trace.Text("wasmlane.request_id", string(r.ID)),
	}
	if x.Route != "" {
		name += " " + x.Route
		attrs = append(attrs, trace.Text("http.route", x.Route))
	}
	failure := ""
	if status >= 500 || status == 499 {
		if failure = x.reason; failure == "" {
			failure = StatusText(status)
		}
	}
	t.tracer.Record(trace.Span{
		Trace: t.context.Trace, ID: t.root, Parent: t.parent, State: string(t.state), Name: name, Kind: trace.Server,
		Start: x.Start, End: now, Attrs: attrs, Failed: failure != "", Message: failure,
	})
}
