package trace

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func options(send func(context.Context, []byte) error) Options {
	return Options{Service: "s", Version: "1", Ratio: 1, Send: send, Log: slog.New(slog.DiscardHandler), Counters: new(Counters)}
}

func TestMessage(t *testing.T) {
	at := time.Unix(1, 5)
	o := options(nil)
	got, err := o.encode([]Span{{
		Trace: ID{0x4b, 15: 1}, ID: SpanID{0xaa, 7: 2}, Parent: SpanID{7: 3}, State: "a=1", Name: "GET /\xff", Kind: Server,
		Start: at, End: at.Add(10), Attrs: []Attr{Text("k", "v"), Number("n", 200), Text("empty", "")}, Failed: true, Message: "why",
	}, {Trace: ID{1}, ID: SpanID{1}, Name: "kv get", Kind: Client, Start: at, End: at.Add(-1)}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}},{"key":"service.version","value":{"stringValue":"1"}}]},` +
		`"scopeSpans":[{"scope":{"name":"wasmlane","version":"1"},"spans":[` +
		`{"traceId":"4b000000000000000000000000000001","spanId":"aa00000000000002","traceState":"a=1","parentSpanId":"0000000000000003","flags":1,"name":"GET /\ufffd","kind":2,` +
		`"startTimeUnixNano":"1000000005","endTimeUnixNano":"1000000015",` +
		`"attributes":[{"key":"k","value":{"stringValue":"v"}},{"key":"n","value":{"intValue":"200"}},{"key":"empty","value":{"stringValue":""}}],` +
		`"status":{"message":"why","code":2}},` +
		`{"traceId":"01000000000000000000000000000000","spanId":"0100000000000000","flags":1,"name":"kv get","kind":3,"startTimeUnixNano":"1000000005","endTimeUnixNano":"1000000005"}]}]}]}`
	if s := strings.ReplaceAll(string(got), "\ufffd", `\ufffd`); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

// spansOf counts the spans of a message.
func spansOf(message []byte) int {
	var r otlpRequest
	_ = json.Unmarshal(message, &r)
	return len(r.ResourceSpans[0].ScopeSpans[0].Spans)
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		o := options(func(_ context.Context, message []byte) error {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, spansOf(message))
			return nil
		})
		tracer := New(o)
		record := func(n int) {
			for range n {
				tracer.Record(Span{ID: SpanID{1}})
			}
		}
		expect := func(want ...int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(sizes) != len(want) {
				t.Fatalf("messages of %d spans, want %d", sizes, want)
			}
			for i := range want {
				if sizes[i] != want[i] {
					t.Fatalf("messages of %d spans, want %d", sizes, want)
				}
			}
			sizes = nil
		}
		record(3)
		expect()
		time.Sleep(sendEvery)
		expect(3)
		record(maxBatch)
		expect(maxBatch)
		record(5)
		tracer.Close(t.Context())
		expect(5)
		record(2)
		if o.Counters.Sent.Load() != maxBatch+8 || o.Counters.Dropped.Load() != 2 {
			t.Errorf("%d sent, %d dropped", o.Counters.Sent.Load(), o.Counters.Dropped.Load())
		}
	})
}

// A collector that hangs holds nothing up, and takes no more memory than the queue.
func TestCollectorHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(func(ctx context.Context, _ []byte) error { <-ctx.Done(); return ctx.Err() })
		tracer := New(o)
		begin := time.Now()
		for range 3 * maxQueue {
			tracer.Record(Span{})
		}
		if time.Since(begin) > 0 {
			t.Error("Record waited")
		}
		if n := o.Counters.Dropped.Load(); n < maxQueue {
			t.Errorf("%d were dropped", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tracer.Close(ctx)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("Close took %v", took)
		}
		if n := o.Counters.Dropped.Load() + o.Counters.Sent.Load(); n != 3*maxQueue {
			t.Errorf("%d of %d are counted", n, 3*maxQueue)
		}
	})
}

func TestFailuresAreSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		o := options(func(context.Context, []byte) error { return errors.New("refused") })
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		tracer := New(o)
		for range 70 {
			tracer.Record(Span{})
			time.Sleep(time.Second)
		}
		tracer.Close(t.Context())
		if n := strings.Count(log.String(), "spans were dropped"); n != 2 {
			t.Errorf("said %d times:\n%s", n, log.String())
		}
	})
}

func TestSample(t *testing.T) {
	for ratio, want := range map[float64][2]int{0: {0, 0}, 1: {10_000, 10_000}, 0.25: {2200, 2800}} {
		o := options(func(context.Context, []byte) error { return nil })
		o.Ratio = ratio
		tracer := New(o)
		n := 0
		for range 10_000 {
			if tracer.Sample(NewID()) {
				n++
			}
		}
		tracer.Close(t.Context())
		if n < want[0] || n > want[1] {
			t.Errorf("%v: %d of 10000", ratio, n)
		}
	}
}
