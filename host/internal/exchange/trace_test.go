package exchange

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/trace"
)

const someParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func traced1(t testing.TB, head string, tracer *trace.Tracer) *Exchange {
	t.Helper()
	x := Acquire()
	if err := x.BeginText(new(fasthttp.Response), []byte("GET / HTTP/1.1\nHost: h\n"+head), nil); err != nil {
		t.Fatal(err)
	}
	x.StartTrace(tracer)
	return x
}

func nowhere(t testing.TB, ratio float64) *trace.Tracer {
	tracer := trace.New(trace.Options{Ratio: ratio, Send: func(context.Context, []byte) error { return nil },
		Log: slog.New(slog.DiscardHandler), Counters: new(trace.Counters)})
	t.Cleanup(func() { tracer.Close(context.Background()) })
	return tracer
}

func TestStartTrace(t *testing.T) {
	all, none := nowhere(t, 1), nowhere(t, 0)
	for _, c := range []struct {
		head                   string
		tracer                 *trace.Tracer
		known, recorded, taken bool
		state                  string
	}{
		{"", nil, false, false, false, ""},
		{"traceparent: bad\ntracestate: a=1\n", nil, false, false, false, ""},
		{"traceparent: " + someParent + "\n", nil, true, false, true, ""},
		{"traceparent: " + someParent + "\ntraceparent: " + someParent + "\n", nil, false, false, false, ""},
		{"traceparent: " + someParent + "\ntracestate: a=1\ntracestate: b=2\n", nil, true, false, true, "a=1,b=2"},
		{"traceparent: " + someParent + "\ntracestate: A=1\n", nil, true, false, true, ""},
		{"tracestate: a=1\n", all, true, true, false, ""},
		{"", none, true, false, false, ""},
		{"traceparent: " + someParent + "\n", none, true, true, true, ""}, // decided where it began
		{"traceparent: " + strings.TrimSuffix(someParent, "1") + "0\n", all, true, false, true, ""},
	} {
		x := traced1(t, c.head, c.tracer)
		taken := string(x.TraceID()) == someParent[3:35]
		if x.trace.known != c.known || x.trace.recorded != c.recorded || taken != c.taken || string(x.trace.state) != c.state || len(x.TraceID()) > 0 != c.known {
			t.Errorf("%q: known %v, recorded %v, id %s, state %q", c.head, x.trace.known, x.trace.recorded, x.TraceID(), x.trace.state)
		}
		if x.trace.known && x.trace.context.Span == (trace.SpanID{}) {
			t.Errorf("%q: no span to pass on", c.head)
		}
		x.Release()
	}
}

// What tracing costs a request that has no trace, or one that is not recorded.
func BenchmarkUntraced(b *testing.B) {
	for name, head := range map[string]string{"none": "accept: */*\nuser-agent: x\n", "passed on": "accept: */*\ntraceparent: " + someParent + "\n"} {
		b.Run(name, func(b *testing.B) {
			x := traced1(b, head, nil)
			defer x.Release()
			b.ReportAllocs()
			for b.Loop() {
				x.trace = traced{}
				x.StartTrace(nil)
				s := x.BeginRun()
				x.EndRun(s, true)
				x.EndTrace(200, time.Time{})
			}
		})
	}
}
