package host

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/wasmlane/wasmlane/host/internal/dashboard"
	"github.com/wasmlane/wasmlane/host/internal/metrics"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// The stream of events through its real listener.

const openAdmin = "admin.listen = \"127.0.0.1:0\"\n"

// viewer is a client of the stream.
type viewer struct {
	*peer
	lines *bufio.Reader
}

// view begins to follow the events.
func (r *rig) view(headers string) *viewer {
	r.t.Helper()
	sub := *r
	sub.addr = r.adminAddr()
	v := &viewer{peer: sub.dial()}
	_ = v.SetDeadline(time.Now().Add(2 * patience))
	v.send("GET /events HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n")
	head := v.head()
	if head.StatusCode != 200 || head.Header.Get("Content-Type") != "text/event-stream" || head.Header.Get("Cache-Control") != "no-store" {
		r.t.Fatalf("got %v", head)
	}
	v.lines = bufio.NewReader(head.Body)
	return v
}

// next reads the next event of a name into data.
func (v *viewer) next(name string, data any) {
	v.rig.t.Helper()
	for found := false; ; {
		line, err := v.lines.ReadString('\n')
		if err != nil {
			v.rig.t.Fatalf("waiting for %s: %v", name, err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok && found {
			if err := json.Unmarshal([]byte(text), data); err != nil {
				v.rig.t.Fatalf("%s: %v in %s", name, err, text)
			}
			return
		}
		found = line == "event: "+name+"\n"
	}
}

func TestEvents(t *testing.T) {
	g := newGuest()
	g.on("get", g.do("log", 3, "it says"), g.do("write", "hello"))
	g.on("trap", wasmtest.Unreachable())
	r := start(t, setup{keys: openAdmin, guests: map[string]*guest{"a": g}, routes: "GET /b @health\nPOST /b @health"})
	for range 30 {
		r.get("/a/get")
	}
	r.get("/a/trap")
	r.get("/none")
	var names []string
	var rows [][]any
	// The documents are made every other second. When there are samples of all 32
	// requests, and two more, so they are, too.
	first := r.view("")
	first.next("fields", &names)
	requests := slices.Index(names, "requests")
	for counted, more := 0.0, 2; counted < 32 || more > 0; {
		if counted >= 32 {
			more--
		}
		first.next("samples", &rows)
		for _, row := range rows {
			counted += row[requests].(float64)
		}
	}
	_ = first.Close()
	v := r.view("")
	v.next("fields", &names)
	var document struct {
		Generation int
		Version    string
		Draining   bool
	}
	v.next("host", &document)
	if document.Generation != 1 || document.Version != "test" || document.Draining {
		t.Errorf("the host is %+v", document)
	}
	type minute struct {
		Rate, P50, P99 float64
		Errors         int
		ClientErrors   int `json:"client_errors"`
	}
	var plugins []struct {
		Name      string
		Failures  int
		Instances Pool
		Minute    minute
	}
	v.next("plugins", &plugins)
	if len(plugins) != 1 || plugins[0].Name != "a" || plugins[0].Failures != 1 || plugins[0].Minute.Errors != 1 || plugins[0].Instances.Limit != 64 {
		t.Errorf("the plugins are %+v", plugins)
	}
	var routes []struct {
		Methods       []string
		Path, Handler string
		Requests      int
		Minute        minute
	}
	v.next("routes", &routes)
	if len(routes) != 4 || fmt.Sprint(routes[2].Methods) != "[GET POST]" || routes[3].Path != "" || routes[3].Minute.ClientErrors != 1 {
		t.Errorf("the routes are %+v", routes)
	}
	for _, route := range routes {
		if route.Path == "/a/get" && (route.Requests != 30 || route.Minute.Rate == 0 || route.Minute.P99 < route.Minute.P50 || route.Minute.P50 == 0) {
			t.Errorf("the route is %+v", route)
		}
	}
	var failures []struct {
		Plugin, Handler, Reason string
		Stack                   string `json:"wasm_stack"`
	}
	if v.next("failures", &failures); len(failures) != 1 || failures[0].Plugin != "a" || failures[0].Stack == "" {
		t.Errorf("the failures are %+v", failures)
	}
	var reloads []reloadStatus
	if v.next("reloads", &reloads); len(reloads) != 0 {
		t.Errorf("the reloads are %+v", reloads)
	}
	var logs []struct{ Plugin, Msg string }
	if v.next("logs", &logs); len(logs) == 0 || logs[len(logs)-1].Plugin != "a" {
		t.Errorf("the log is %+v", logs)
	}
	v.next("samples", &rows)
	if len(rows) == 0 || len(rows[0]) != len(names) {
		t.Fatalf("the samples are %v of %v", rows, names)
	}
	sum := func(field string) (sum float64) {
		for i, name := range names {
			for _, row := range rows {
				if name == field {
					sum += row[i].(float64)
				}
			}
		}
		return sum
	}
	if sum("requests") != 32 || sum("errors") != 1 || sum("client_errors") != 1 || sum("memory") < 1<<20 {
		t.Errorf("the samples are %v of %v", rows, names)
	}
	if err := os.WriteFile(r.file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = r.Reload()
	if v.next("reloads", &reloads); len(reloads) == 0 || reloads[0].OK || !strings.Contains(reloads[0].Errors[0], "host.toml:1") {
		t.Errorf("the reloads are %+v", reloads)
	}
}

// TestEventsAreGuarded: no token, no stream; and no page of another site gets one.
func TestEventsAreGuarded(t *testing.T) {
	r := start(t, setup{keys: guarded, guests: map[string]*guest{"a": says("a")}})
	for headers, status := range map[string]int{
		"X: y": 401, "Authorization: Bearer x": 401, "Authorization: Bearer " + adminToken + "\nOrigin: http://example.com": 403,
	} {
		if a := r.operateWith("GET", "/events?token="+adminToken, nil, strings.Split(headers, "\n")...); a.status != status {
			t.Errorf("%q: %v, want %d", headers, a, status)
		}
	}
	a := r.operateWith("GET", "/", nil)
	if a.status != 200 || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
		a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page comes as %v", a)
	}
	for _, file := range []string{"plots.js", "style.css", "main.js"} {
		if a := r.operateWith("GET", "/dashboard/"+file, nil); a.status != 200 {
			t.Errorf("%s: %v", file, a)
		}
	}
	if a := r.operateWith("HEAD", "/events", nil, "Authorization: Bearer "+adminToken); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %v", a)
	}
	v := r.view("Authorization: Bearer " + adminToken + "\r\n")
	var names []string
	v.next("fields", &names)
}

// TestLastMinute: what is shown of a route is of the last minute.
func TestLastMinute(t *testing.T) {
	r := prepare(t, setup{guests: map[string]*guest{"a": says("a")}})
	r.open()
	s := r.newSampler()
	name := metrics.RouteName{Plugin: "a", Handler: "get", Route: "/a/get"}
	route := r.counters.routes.Take(name)
	defer r.counters.routes.Leave(name)
	now := s.last
	second := func(requests int) dashboard.Sample {
		for range requests {
			route.Count([]byte("GET"), 200, time.Millisecond)
		}
		now = now.Add(time.Second)
		return s.sample(now)
	}
	for i := range 30 {
		if got := second(2); got.Requests != 2 || got.Seconds != 1 || got.P50 <= 0 {
			t.Fatalf("second %d is %+v", i, got)
		}
	}
	if m := s.route(name); m.Rate != 2 || m.P99 == nil {
		t.Errorf("after half a minute: %+v", m)
	}
	for range 70 {
		if got := second(0); got.Requests != 0 || got.P50 >= 0 {
			t.Fatalf("an idle second is %+v", got)
		}
	}
	if m := s.route(name); m.Rate != 0 || m.P99 != nil || s.requests(name) != 60 {
		t.Errorf("after more than a minute: %+v, %d", m, s.requests(name))
	}
	if m := s.plugin("a"); m.Rate != 0 {
		t.Errorf("the plugin: %+v", m)
	}
	if size := unsafe.Sizeof(routeWindow{}); size > 1300 {
		t.Errorf("a route takes %d bytes", size)
	}
}

// BenchmarkSample is what a second of history costs.
func BenchmarkSample(b *testing.B) {
	for _, routes := range []int{5, 200} {
		b.Run(fmt.Sprint(routes), func(b *testing.B) {
			var lines strings.Builder
			for i := range routes {
				fmt.Fprintf(&lines, "GET /r/%d a.get\n", i)
			}
			r := prepare(b, setup{guests: map[string]*guest{"a": says("a")}, routes: lines.String()})
			r.open()
			s := r.newSampler()
			b.ReportAllocs()
			for b.Loop() {
				s.sample(time.Now())
			}
		})
	}
}
