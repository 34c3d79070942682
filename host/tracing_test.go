package host

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Traces: what comes in, what goes out, and what a collector gets.

const (
	someTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	someSpan   = "00f067aa0ba902b7"
	someParent = "00-" + someTrace + "-" + someSpan + "-01"
)

// collector records spans as OTLP has them, and refuses what OTLP does not.
type collector struct {
	t      *testing.T
	origin string

	mu      sync.Mutex
	spans   []collected
	service string
}

type collected struct {
	trace, id, parent, state, name string
	kind                           int
	start, end                     int64
	attrs                          map[string]string
	failed                         bool
	message                        string
}

func collect(t *testing.T) *collector {
	c := &collector{t: t}
	c.origin = remote(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the collector was asked %s %s with %v", r.Method, r.URL, r.Header)
		}
		if err := c.take(body); err != nil {
			t.Errorf("%v in %s", err, body)
			w.WriteHeader(400)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"partialSuccess":{}}`)
	})
	return c
}

var (
	hex32   = regexp.MustCompile(`^[0-9a-f]{32}$`)
	hex16   = regexp.MustCompile(`^[0-9a-f]{16}$`)
	decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,19})$`)
)

// take checks a message against opentelemetry-proto's trace.proto in the mapping to
// JSON that the OTLP specification gives.
func (c *collector) take(body []byte) error {
	type attribute struct {
		Key   string `json:"key"`
		Value struct {
			StringValue *string `json:"stringValue"`
			IntValue    *string `json:"intValue"`
		} `json:"value"`
	}
	var message struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []attribute } `json:"resource"`
			ScopeSpans []struct {
				Scope struct{ Name, Version string } `json:"scope"`
				Spans []struct {
					TraceID           string      `json:"traceId"`
					SpanID            string      `json:"spanId"`
					TraceState        string      `json:"traceState"`
					ParentSpanID      *string     `json:"parentSpanId"`
					Flags             uint32      `json:"flags"`
					Name              string      `json:"name"`
					Kind              int         `json:"kind"`
					StartTimeUnixNano string      `json:"startTimeUnixNano"`
					EndTimeUnixNano   string      `json:"endTimeUnixNano"`
					Attributes        []attribute `json:"attributes"`
					Status            struct {
						Message string `json:"message"`
						Code    int    `json:"code"`
					} `json:"status"`
				} `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&message); err != nil {
		return err
	}
	read := func(list []attribute) (map[string]string, error) {
		all := map[string]string{}
		for _, a := range list {
			_, twice := all[a.Key]
			switch {
			case a.Key == "" || twice || (a.Value.StringValue == nil) == (a.Value.IntValue == nil):
				return nil, fmt.Errorf("attribute %q", a.Key)
			case a.Value.StringValue != nil:
				all[a.Key] = *a.Value.StringValue
			case !decimal.MatchString(*a.Value.IntValue):
				return nil, fmt.Errorf("intValue %q", *a.Value.IntValue)
			default:
				all[a.Key] = *a.Value.IntValue
			}
		}
		return all, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range message.ResourceSpans {
		resource, err := read(r.Resource.Attributes)
		if err != nil || resource["service.name"] == "" {
			return fmt.Errorf("resource %v, %v", resource, err)
		}
		c.service = resource["service.name"]
		for _, scope := range r.ScopeSpans {
			if scope.Scope.Name == "" || len(scope.Spans) == 0 {
				return fmt.Errorf("an empty scope")
			}
			for _, s := range scope.Spans {
				attrs, err := read(s.Attributes)
				start, _ := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
				end, _ := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
				parent := ""
				if s.ParentSpanID != nil {
					parent = *s.ParentSpanID
				}
				switch {
				case err != nil:
					return err
				case !hex32.MatchString(s.TraceID), !hex16.MatchString(s.SpanID), parent != "" && !hex16.MatchString(parent):
					return fmt.Errorf("ids %q %q %q", s.TraceID, s.SpanID, parent)
				case !decimal.MatchString(s.StartTimeUnixNano), !decimal.MatchString(s.EndTimeUnixNano), end < start:
					return fmt.Errorf("times %q %q", s.StartTimeUnixNano, s.EndTimeUnixNano)
				case s.Name == "", s.Kind < 1, s.Kind > 5, s.Status.Code != 0 && s.Status.Code != 2:
					return fmt.Errorf("name %q, kind %d, status %v", s.Name, s.Kind, s.Status)
				}
				c.spans = append(c.spans, collected{s.TraceID, s.SpanID, parent, s.TraceState, s.Name, s.Kind, start, end, attrs, s.Status.Code == 2, s.Status.Message})
			}
		}
	}
	return nil
}

// of waits for that many spans of a trace and returns them by name.
func (c *collector) of(trace string, n int) map[string]collected {
	c.t.Helper()
	found := map[string]collected{}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		clear(found)
		count := 0
		for _, s := range c.spans {
			if s.trace == trace {
				found[s.name] = s
				count++
			}
		}
		c.mu.Unlock()
		if count >= n {
			if count > n {
				c.t.Errorf("%d spans, want %d: %v", count, n, found)
			}
			return found
		}
		if time.Now().After(end) {
			c.t.Fatalf("%d spans of %s, want %d: %v", count, trace, n, found)
		}
	}
}

func TestTrace(t *testing.T) {
	c := collect(t)
	var outside sync.Map
	origin := remote(t, func(w http.ResponseWriter, r *http.Request) {
		outside.Store(r.URL.Path, r.Header.Clone())
		w.WriteHeader(404)
	})
	user := newGuest()
	user.on("get", user.kvSet("k", "v"), user.echo("header", "traceparent", 0), user.do("log", 1, "in the callee"))
	front := newGuest()
	front.on("all",
		front.tell(front.get("kv_get", "none", 0, 0)),
		front.calls("user", "GET /user/get\n", ""), front.relay(),
		front.calls(origin, "GET /out\n", ""),
		front.calls(origin, "GET /own\ntraceparent: 00-"+someTrace+"-aaaaaaaaaaaaaaaa-01\n", ""),
		front.do("write", "|"), front.echo("header", "traceparent", 0), front.do("write", "|"), front.echo("header", "tracestate", 0))
	front.on("trap", wasmtest.Unreachable())
	front.on("new", front.calls(origin, "GET /new\n", ""), front.tell(front.get("header", "traceparent", 0, 0, 0)))
	r := start(t, setup{
		keys: fmt.Sprintf(`
			trace.otlp = %q
			trace.service = "shop"
			plugin.front.calls = ["user"]
			plugin.front.store = "front"
			plugin.front.outbound = [%q]
			plugin.user.store = "user"
			service.user.targets = ["local"]`, c.origin, origin),
		guests: map[string]*guest{"front": front, "user": user},
	})
	a := r.ask("GET", "/front/all", "", "Traceparent: "+someParent, "Tracestate: a=1", "Tracestate: b=2")
	if a.status != 200 {
		t.Fatalf("got %v; the log:\n%s", a, r.logs.tail())
	}
	spans := c.of(someTrace, 9) // two calls to the outside
	request, run := spans["GET /front/all"], spans["front.all"]
	sub, subRun := spans["GET /user/get"], spans["user.get"]
	called := spans["call user"]
	if c.service != "shop" {
		t.Errorf("the service is %q", c.service)
	}
	for _, pair := range []struct {
		child, parent string
		kind          int
	}{
		{request.parent, someSpan, 2}, {run.parent, request.id, 1}, {spans["kv_get"].parent, run.id, 3}, {called.parent, run.id, 3},
		{sub.parent, called.id, 2}, {subRun.parent, sub.id, 1}, {spans["kv_set"].parent, subRun.id, 3}, {spans["call "+origin].parent, run.id, 3},
	} {
		if pair.child != pair.parent || pair.parent == "" {
			t.Errorf("a span's parent is %q, want %q, in %v", pair.child, pair.parent, spans)
		}
	}
	for name, kind := range map[string]int{"GET /front/all": 2, "front.all": 1, "kv_get": 3, "call user": 3, "GET /user/get": 2} {
		if spans[name].kind != kind || spans[name].state != "a=1,b=2" {
			t.Errorf("%s is of kind %d, state %q", name, spans[name].kind, spans[name].state)
		}
	}
	for key, want := range map[string]string{
		"http.request.method": "GET", "url.path": "/front/all", "http.route": "/front/all", "http.response.status_code": "200", "client.address": "127.0.0.1",
	} {
		if request.attrs[key] != want {
			t.Errorf("%s is %q, want %q", key, request.attrs[key], want)
		}
	}
	if s := spans["call "+origin]; !s.failed || s.message != "404 Not Found" || s.attrs["http.response.status_code"] != "404" || request.failed || spans["kv_get"].failed {
		t.Errorf("failures: %v, %v, %v", s, request, spans["kv_get"])
	}
	for inner, outer := range map[string]string{"front.all": "GET /front/all", "kv_get": "front.all", "GET /user/get": "call user", "user.get": "GET /user/get"} {
		if i, o := spans[inner], spans[outer]; i.start < o.start || i.end > o.end {
			t.Errorf("%s lasts from %d to %d, %s from %d to %d", inner, i.start, i.end, outer, o.start, o.end)
		}
	}
	// The guests see the headers as they came; the outside sees the calls' spans.
	parts := strings.Split(a.body, "|")
	if len(parts) != 3 || !strings.Contains(parts[0], "00-"+someTrace+"-"+called.id+"-01") || parts[1] != someParent || parts[2] != "a=1" {
		t.Errorf("the guests saw %q", parts)
	}
	header := func(path, name string) string {
		h, _ := outside.Load(path)
		if h == nil {
			return "nothing"
		}
		return strings.Join(h.(http.Header).Values(name), "&")
	}
	if p := header("/out", "Traceparent"); p[:36] != "00-"+someTrace+"-" || p[36:52] == someSpan || p[52:] != "-01" || header("/out", "Tracestate") != "a=1,b=2" {
		t.Errorf("outside got %q, %q", p, header("/out", "Tracestate"))
	}
	if p := header("/own", "Traceparent"); p != "00-"+someTrace+"-aaaaaaaaaaaaaaaa-01" {
		t.Errorf("what the guest wrote became %q", p)
	}
	r.logged("request", "path", "/front/all", "trace_id", someTrace)
	r.logged("in the callee", "trace_id", someTrace)

	// What is no traceparent begins a trace; what fails says so.
	for _, bad := range []string{"", "00-xyz", strings.ToUpper(someParent), someParent + "-x", "00-" + strings.Repeat("0", 32) + "-" + someSpan + "-01"} {
		r.refused(r.ask("GET", "/front/trap", "", "Traceparent: "+bad, "X-Request-Id: bad"), 500, "failed")
	}
	line := r.logged("handler failed", "trace_id", "")
	failed := c.of(line.text("trace_id"), 2)
	if s := failed["GET /front/trap"]; s.parent != "" || !s.failed || !failed["front.trap"].failed {
		t.Errorf("got %v", failed)
	}
	if line.text("trace_id") == someTrace {
		t.Error("a bad header was taken")
	}
	// Not sampled: passed on, and not recorded.
	unsampled := "00-" + strings.Repeat("ab", 16) + "-" + someSpan + "-00"
	r.ask("GET", "/front/new", "", "Traceparent: "+unsampled)
	if p := header("/new", "Traceparent"); p != unsampled {
		t.Errorf("outside got %q, want %q", p, unsampled)
	}
	// A request that the handler did not begin has a trace, too.
	r.get("/front/new")
	if p := header("/new", "Traceparent"); len(p) != 55 || !strings.HasSuffix(p, "-01") || strings.Contains(p, someTrace) {
		t.Errorf("outside got %q", p)
	} else if s := c.of(p[3:35], 3); s["call "+origin].id != p[36:52] {
		t.Errorf("outside got %q, the spans are %v", p, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.spans, func(s collected) bool { return s.trace == strings.Repeat("ab", 16) }) {
		t.Error("a trace that is not sampled was recorded")
	}
}

// A response that streams has its spans when it is over.
func TestTraceOfAStream(t *testing.T) {
	c := collect(t)
	r := start(t, setup{keys: streamKeys + fmt.Sprintf("trace.otlp = %q", c.origin), guests: map[string]*guest{"a": streamer()}})
	for range 3 {
		r.ask("GET", "/a/pauses", "", "Traceparent: "+someParent)
	}
	spans := c.of(someTrace, 6)
	for _, name := range []string{"GET /a/pauses", "a.pauses"} {
		if s := spans[name]; s.end-s.start < int64(600*time.Millisecond) || s.failed {
			t.Errorf("%s: %v", name, s)
		}
	}
	if _, err := r.try("GET", "/a/trap_before", "", "Traceparent: 00-"+strings.Repeat("cd", 16)+"-"+someSpan+"-01"); err != nil {
		t.Fatal(err)
	}
	if s := c.of(strings.Repeat("cd", 16), 2)["a.trap_before"]; !s.failed {
		t.Errorf("got %v", s)
	}
}

// Without [trace], the context still travels.
func TestTraceWithoutCollector(t *testing.T) {
	user := newGuest()
	user.on("get", user.echo("header", "traceparent", 0))
	user.on("none", user.tell(user.get("header", "traceparent", 0, 0, 0)))
	front := relays(map[string]string{"get": "user GET /user/get\n", "none": "user GET /user/none\n"})
	r := start(t, setup{keys: callKeys, guests: map[string]*guest{"front": front, "user": user}})
	if a := r.ask("GET", "/front/get", "", "Traceparent: "+someParent); a.body != someParent {
		t.Errorf("the callee got %q", a.body)
	}
	r.logged("request", "path", "/front/get", "trace_id", someTrace)
	for _, headers := range [][]string{nil, {"Traceparent: 00-bad"}, {"Traceparent: " + someParent, "Traceparent: " + someParent}} {
		if a := r.ask("GET", "/front/none", "", headers...); !slices.Equal(a.numbers(), []int32{-1}) {
			t.Errorf("with %q the callee got %q, want none", headers, a.body)
		}
	}
}

// A collector that does not answer is no matter to anybody else.
func TestCollectorIsAway(t *testing.T) {
	hang := make(chan struct{})
	slow := remote(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hang) })
	for name, origin := range map[string]string{"refuses": refusing(t), "hangs": slow} {
		t.Run(name, func(t *testing.T) {
			r := start(t, setup{keys: fmt.Sprintf("trace.otlp = %q", origin), guests: map[string]*guest{"a": says("hello")}})
			for range 20 {
				if a := r.get("/a/get"); a.body != "hello" {
					t.Fatalf("got %v", a)
				}
			}
			if name == "refuses" {
				r.logged("spans were dropped", "level", "WARN")
				r.until("the spans to be counted", func() bool { return r.scrape()[`wasmlane_trace_spans_total{result="dropped"}`] >= 20 })
			}
			begin := time.Now()
			r.rewrite("trace.otlp = ", "trace.sample = 0.5\ntrace.otlp = ")
			r.reload()
			if took := time.Since(begin); took > 9*time.Second {
				t.Errorf("the reload took %v", took)
			}
		})
	}
}

// A plugin that logs too much is cut, and the log says by how much.
func TestGuestLogsAreLimited(t *testing.T) {
	g := newGuest()
	g.on("loud", wasmtest.Loop(
		g.do("log", 1, "a line"),
		wasmtest.LocalGet(1), wasmtest.I32Const(1), wasmtest.Op(i32Add), wasmtest.LocalSet(1),
		wasmtest.LocalGet(1), wasmtest.I32Const(500), wasmtest.Op(i32LtS), wasmtest.BrIf(0)))
	r := prepare(t, setup{keys: "log.guest_rate = \"600/m\"\nplugin.a.timeout = \"20s\"", guests: map[string]*guest{"a": g}})
	r.open()
	r.run()
	begin := time.Now()
	r.get("/a/loud")
	n := len(r.logs.all("a line"))
	if most := 11 + int(time.Since(begin)/(100*time.Millisecond)); n < 10 || n > most {
		t.Errorf("%d lines were written, want 10 and one every 100 ms, %d at most", n, most)
	}
	r.rewrite(`log.guest_rate = "600/m"`, `log.guest_rate = "off"`)
	r.reload()
	r.get("/a/loud")
	if all := len(r.logs.all("a line")); all != n+500 {
		t.Errorf("%d lines without a limit", all-n)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	r.logged("lines of a plugin were dropped", "plugin", "a", "level", "WARN", "lines", fmt.Sprint(500-n))
}
