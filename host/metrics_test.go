package host

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/metrics/metricstest"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// scrape reads the metrics strictly, and returns them by series.
func (r *rig) scrape() map[string]float64 {
	r.t.Helper()
	text := string(r.exposition())
	if _, err := metricstest.Parse(text); err != nil {
		r.t.Fatalf("%v in:\n%s", err, text)
	}
	return samples(text)
}

// busyHost is a host whose plugins have done everything that is counted.
func busyHost(t testing.TB) *rig {
	t.Helper()
	caller := newGuest()
	caller.on("call",
		caller.do("call", "b", "GET /b/get\n", ""),
		caller.do("call", "b", "GET /nothing\n", ""),
		caller.do("call", "far", "GET /\n", ""),
		caller.do("call", "none", "GET /\n", ""),
		caller.do("call", "http://127.0.0.1:1", "GET /\n", ""))
	caller.on("store",
		caller.kvSet("k", "v"), caller.echo("kv_get", "k"), caller.do("kv_get", "none", 0, 0),
		caller.do("kv_delete", "k"), caller.do("kv_set", "", "v"))
	caller.on("trap", wasmtest.Unreachable())
	caller.on("grow", wasmtest.I32Const(1000), wasmtest.MemoryGrow(), wasmtest.Drop(), wasmtest.Unreachable())
	caller.on("sleep", caller.sleep(time.Minute))
	r := start(t, setup{
		keys: `
			admin.listen = "127.0.0.1:0"
			plugin.a.store = "s"
			plugin.a.calls = ["b", "far"]
			plugin.a.outbound = ["http://127.0.0.1:1"]
			plugin.a.timeout = "60s"
			service.b.targets = ["local"]
			service.far.targets = ["http://127.0.0.1:1"]`,
		guests: map[string]*guest{"a": caller, "b": says("b")},
		routes: "GET /metrics @metrics\nGET /w/{id:[a-z]{1,3}} b.get\nGET /short a.sleep timeout = \"300ms\"",
	})
	for path, status := range map[string]int{
		"/a/call": 200, "/a/store": 200, "/a/trap": 500, "/a/grow": 500, "/short": 504, "/b/get": 200, "/none": 404, "/w/abc": 200,
	} {
		if a := r.get(path); a.status != status {
			t.Fatalf("%s: %v, want %d; the log:\n%s", path, a, status, r.logs.tail())
		}
	}
	r.until("the requests counted", func() bool { return r.inFlight.Load() == 0 })
	return r
}

func TestMetrics(t *testing.T) {
	r := busyHost(t)
	r.reload()
	all := r.scrape()
	for series, want := range map[string]float64{
		`wasmlane_requests_total{plugin="a",handler="trap",route="/a/trap",method="GET",code="5xx"}`:                 1,
		`wasmlane_requests_total{plugin="b",handler="get",route="/b/get",method="GET",code="2xx"}`:                   2, // one by a
		`wasmlane_requests_total{plugin="b",handler="get",route="/w/{id:[a-z]{1,3}}",method="GET",code="2xx"}`:       1,
		`wasmlane_requests_total{plugin="b",handler="get",route="/w/{id:[a-z]{1,3}}",method="GET",code="5xx"}`:       0,
		`wasmlane_requests_total{plugin="",handler="",route="",method="GET",code="4xx"}`:                             1,
		`wasmlane_requests_total{plugin="",handler="@metrics",route="/metrics",method="GET",code="2xx"}`:             0,
		`wasmlane_request_duration_seconds_bucket{plugin="a",handler="sleep",route="/short",method="GET",le="0.25"}`: 0,
		`wasmlane_request_duration_seconds_bucket{plugin="a",handler="sleep",route="/short",method="GET",le="10"}`:   1,
		`wasmlane_request_duration_seconds_count{plugin="b",handler="get",route="/b/get",method="GET"}`:              2,
		"wasmlane_requests_in_flight":        0,
		`wasmlane_plugin_loaded{plugin="a"}`: 1, `wasmlane_pool_size{plugin="a"}`: 64, `wasmlane_pool_in_use{plugin="a"}`: 0,
		`wasmlane_pool_discarded_total{plugin="a",reason="trap"}`: 1, `wasmlane_pool_discarded_total{plugin="a",reason="memory"}`: 1,
		`wasmlane_pool_discarded_total{plugin="a",reason="deadline"}`: 1, `wasmlane_pool_discarded_total{plugin="b",reason="trap"}`: 0,
		`wasmlane_resets_total{plugin="b"}`:        2, // of three requests, before the second and the third
		`wasmlane_reloads_total{result="success"}`: 1, `wasmlane_reloads_total{result="failure"}`: 0,
		"wasmlane_last_reload_successful": 1, "wasmlane_generation": 2,
		`wasmlane_kv_operations_total{keyspace="s",operation="set",result="ok"}`: 1, `wasmlane_kv_operations_total{keyspace="s",operation="set",result="invalid"}`: 1,
		`wasmlane_kv_operations_total{keyspace="s",operation="get",result="ok"}`: 1, `wasmlane_kv_operations_total{keyspace="s",operation="get",result="absent"}`: 1,
		`wasmlane_kv_operations_total{keyspace="s",operation="delete",result="ok"}`: 1, `wasmlane_kv_operation_duration_seconds_count{keyspace="s",operation="set"}`: 2,
		`wasmlane_calls_total{target="b",result="2xx"}`: 1, `wasmlane_calls_total{target="b",result="4xx"}`: 1,
		`wasmlane_calls_total{target="far",result="unavailable"}`: 1, `wasmlane_calls_total{target="http://127.0.0.1:1",result="unavailable"}`: 1,
		`wasmlane_calls_total{target="",result="denied"}`: 1, `wasmlane_call_duration_seconds_count{target="b"}`: 2,
		`wasmlane_connections_refused_total{limit="max_connections"}`: 0,
	} {
		if got, ok := all[series]; !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", series, got, ok, want)
		}
	}
	for _, series := range []string{
		"wasmlane_connections", "wasmlane_connections_accepted_total", "wasmlane_received_bytes_total", "wasmlane_sent_bytes_total",
		`wasmlane_plugin_compile_seconds{plugin="a"}`, `wasmlane_plugin_init_seconds{plugin="a"}`, `wasmlane_pool_created_total{plugin="a"}`,
		"wasmlane_last_reload_success_timestamp_seconds", "process_resident_memory_bytes", "memory_usage_bytes",
		"process_start_time_seconds", "go_goroutines", "go_gc_cycles_total", "go_memstats_heap_alloc_bytes",
	} {
		if !(all[series] > 0) || math.IsInf(all[series], 0) {
			t.Errorf("%s is %v", series, all[series])
		}
	}
	if _, here := all["process_open_fds"]; here && !(all["process_open_fds"] > 2 && all["process_cpu_seconds_total"] > 0) {
		t.Errorf("of the process: %v open, %v s", all["process_open_fds"], all["process_cpu_seconds_total"])
	}
}

// TestMetricsTwice: the route and the admin listener tell the same.
func TestMetricsTwice(t *testing.T) {
	r := busyHost(t)
	families := func(text string) (names []string) {
		all, err := metricstest.Parse(text)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		for _, f := range all {
			names = append(names, fmt.Sprint(f.Name, f.Kind, f.Help))
		}
		return names
	}
	route, operator := r.get("/metrics"), r.admin("GET", "/metrics")
	if a, b := families(route.body), families(operator.body); !slices.Equal(a, b) {
		t.Errorf("the route tells %q, the admin listener %q", a, b)
	}
	if a, b := route.header.Get("Content-Type"), operator.header.Get("Content-Type"); a != b || a != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("the types are %q and %q", a, b)
	}
	// What changes from one to the next is the scrape itself.
	changing := regexp.MustCompile(`(?m)^(go_|process_|memory_|wasmlane_(connections|received|sent|requests|request_duration)).*$|"@metrics".*`)
	if a, b := changing.ReplaceAllString(route.body, ""), changing.ReplaceAllString(operator.body, ""); a != b {
		t.Errorf("the route tells\n%s\nthe admin listener\n%s", a, b)
	}
}

// TestMetricsOutliveReloads: the same labels are the same counter, and what is gone
// does not pile up.
func TestMetricsOutliveReloads(t *testing.T) {
	s := setup{guests: map[string]*guest{"a": says("1")}}
	r := embed(t, s)
	r.get("/a/get")
	now := time.Now()
	clock := func() time.Time { return now }
	r.mu.Lock()
	r.counters.routes.SetClock(clock)
	r.mu.Unlock()
	const reloads = 60
	for i := range reloads {
		s.guests["a"] = says(fmt.Sprint(i)) // another module, with a new pool
		s.routes = fmt.Sprintf("GET /once/%d a.get", i)
		r.update(s)
		r.reload()
		r.get("/a/get")
		r.get(fmt.Sprintf("/once/%d", i))
		now = now.Add(time.Minute)
	}
	r.idle()
	all := r.scrape()
	if n := all[`wasmlane_requests_total{plugin="a",handler="get",route="/a/get",method="GET",code="2xx"}`]; n != reloads+1 {
		t.Errorf("%v requests were counted over the reloads, want %d", n, reloads+1)
	}
	if n := all[`wasmlane_resets_total{plugin="a"}`]; n != reloads {
		t.Errorf("%v resets were counted over the reloads, want %d: one before the second request of each pool", n, reloads)
	}
	if n := all[`wasmlane_pool_discarded_total{plugin="a",reason="closed"}`]; n < reloads {
		t.Errorf("%v instances were closed with their pool, want %d", n, reloads)
	}
	if n := all["wasmlane_generation"]; n != reloads+1 {
		t.Errorf("the generation is %v", n)
	}
	once := map[string]bool{}
	for series := range all {
		if _, route, ok := strings.Cut(series, `route="/once/`); ok {
			once[route[:strings.IndexByte(route, '"')]] = true
		}
	}
	if len(once) < 10 || len(once) > 12 {
		t.Errorf("the series of %d routes are kept, want those of the last ten minutes", len(once))
	}
}

// TestScrapeUnderLoad: whatever happens meanwhile, what is written is whole, and
// counters never go back.
func TestScrapeUnderLoad(t *testing.T) {
	r := busyHost(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				path := []string{"/a/store", "/b/get", "/none", "/a/trap", "/a/call"}[(n+i)%5]
				if _, err := r.try("GET", path, ""); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			if err := r.Reload(); err != nil {
				t.Error(err)
			}
		}
	})
	before := map[string]float64{}
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		text := r.get("/metrics").body
		families, err := metricstest.Parse(text)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		all := samples(text)
		for _, f := range families {
			if f.Kind == "gauge" {
				continue
			}
			for series, was := range before {
				if strings.HasPrefix(series, f.Name) && all[series] < was {
					t.Fatalf("%s went from %v to %v", series, was, all[series])
				}
			}
		}
		before = map[string]float64{}
		for series, value := range all {
			if strings.HasPrefix(series, "wasmlane_") && (strings.Contains(series, "_total") || strings.Contains(series, "_bucket") || strings.Contains(series, "_count")) {
				before[series] = value
			}
		}
	}
	close(stop)
	wg.Wait()
}

// TestPromtool has Prometheus' own linter look at it.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is missing; apt-get install prometheus")
		}
		t.Skip("promtool is missing; apt-get install prometheus")
	}
	r := busyHost(t)
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(r.exposition())
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestMetricsAreDocumented: docs/operations.md has every metric, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllSubmatch(text, -1) {
		documented[string(match[1])] = true
	}
	r := busyHost(t)
	families, err := metricstest.Parse(string(r.exposition()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !documented[f.Name] {
			t.Errorf("docs/operations.md lacks %s: %s", f.Name, f.Help)
		}
		delete(documented, f.Name)
	}
	for name := range documented {
		t.Errorf("docs/operations.md has %s, which the host has not", name)
	}
}
