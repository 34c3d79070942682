package host

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
)

// The host's own handlers, and the admin listener.

func TestBuiltins(t *testing.T) {
	r := start(t, setup{
		keys:   "service.b.targets = [\"local\"]\nservice.a.targets = [\"local\"]\nservice.far.targets = [\"http://127.0.0.1:1\"]",
		guests: map[string]*guest{"a": says("hello"), "b": says("hello")},
		routes: "GET /live @health\nGET /ready @ready\nGET /metrics @metrics\nGET /service @service",
	})
	for path, want := range map[string]string{"/live": `{"status":"ok"}`, "/ready": `{"status":"ready"}`} {
		a := r.get(path)
		if a.status != 200 || strings.TrimSpace(a.body) != want || a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s got %v", path, a)
		}
	}
	r.refused(r.ask("POST", "/live", ""), 405, "method")
	if head := r.ask("HEAD", "/live", ""); head.status != 200 || head.body != "" {
		t.Errorf("HEAD got %v", head)
	}

	var info struct {
		Name, Version, Host string
		Port                int
		HealthPath          string `json:"health_path"`
		Services            []string
		MemoryBytes         int64   `json:"memory_bytes"`
		UptimeSeconds       float64 `json:"uptime_seconds"`
		Generation          int64
	}
	if err := json.Unmarshal([]byte(r.get("/service").body), &info); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(r.addr)
	if info.Name != "wasmlane" || info.Version != "test" || info.Host == "" || fmt.Sprint(info.Port) != port || info.HealthPath != "/live" ||
		fmt.Sprint(info.Services) != "[a b]" || info.MemoryBytes < 1<<20 || info.UptimeSeconds <= 0 || info.Generation < 1 {
		t.Errorf("@service tells %+v", info)
	}

	a := r.get("/metrics")
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Errorf("the metrics are %v", a.header)
	}
	metrics := samples(a.body)
	for name, want := range map[string]float64{
		`wasmlane_requests_total{plugin="",handler="@health",route="/live",method="GET",code="2xx"}`:     1,
		`wasmlane_requests_total{plugin="",handler="@health",route="/live",method="HEAD",code="2xx"}`:    1,
		`wasmlane_requests_total{plugin="",handler="@metrics",route="/metrics",method="GET",code="2xx"}`: 0, // this one is not over
		`wasmlane_requests_total{plugin="",handler="",route="",method="POST",code="4xx"}`:                1,
		"wasmlane_requests_in_flight": 1, "wasmlane_request_body_bytes": 0, "wasmlane_generation": float64(info.Generation),
	} {
		if got, ok := metrics[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if metrics["wasmlane_connections"] < 1 || metrics["process_resident_memory_bytes"] < 1<<20 {
		t.Errorf("the metrics are %v", metrics)
	}
}

// samples reads the Prometheus text format.
func samples(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		var value float64
		line = strings.TrimSpace(line)
		at := max(0, strings.LastIndexByte(line, ' '))
		if _, err := fmt.Sscan(line[at:], &value); err == nil && !strings.HasPrefix(line, "#") {
			all[line[:at]] = value
		}
	}
	return all
}

// sum adds up the samples of a family that have all of some labels.
func sum(all map[string]float64, family string, labels ...string) (n float64) {
next:
	for name, value := range all {
		if name != family && !strings.HasPrefix(name, family+"{") {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(name, "{"+label) && !strings.Contains(name, ","+label) {
				continue next
			}
		}
		n += value
	}
	return n
}

// TestReady: a host that drains or is closed says so.
func TestReady(t *testing.T) {
	r := start(t, setup{keys: `admin.listen = "127.0.0.1:0"`, guests: map[string]*guest{"a": says("hello")}, routes: "GET /ready @ready"})
	r.draining.Store(true)
	a := r.get("/ready")
	if a.status != 503 || !strings.Contains(a.body, `"reason":"draining"`) {
		t.Errorf("got %v", a)
	}
	if a := r.admin("GET", "/readyz"); a.status != 503 || !strings.Contains(a.body, "draining") {
		t.Errorf("the admin listener says %v", a)
	}
	r.draining.Store(false)
	if a := r.get("/ready"); a.status != 200 {
		t.Errorf("got %v", a)
	}
}

// TestAdmin: the operator sees the plugins and reloads, with every error.
func TestAdmin(t *testing.T) {
	r := start(t, setup{
		keys: `
			admin.listen = "127.0.0.1:0"
			plugin.a.store = "keys"
			plugin.a.instances = 5`,
		guests: map[string]*guest{"a": gated()},
	})
	if a := r.admin("GET", "/healthz"); a.status != 200 {
		t.Errorf("got %v", a)
	}
	var plugins []map[string]any
	if err := json.Unmarshal([]byte(r.admin("GET", "/plugins").body), &plugins); err != nil {
		t.Fatal(err)
	}
	if len(plugins) != 1 || plugins[0]["name"] != "a" || fmt.Sprint(plugins[0]["handlers"]) != "[hold]" ||
		fmt.Sprint(plugins[0]["routes"]) != "[* /a/hold -> a.hold]" || plugins[0]["isolation"] != "request" ||
		fmt.Sprint(plugins[0]["grants"]) != "map[store:keys]" || fmt.Sprint(plugins[0]["instances"].(map[string]any)["limit"]) != "5" ||
		plugins[0]["error"] != nil {
		t.Errorf("the plugins are %v", plugins)
	}
	before := r.Generation()
	var done struct {
		Status     string
		Generation int64
		Error      string
		Errors     []string
	}
	a := r.admin("POST", "/reload")
	if err := json.Unmarshal([]byte(a.body), &done); err != nil || a.status != 200 || done.Status != "reloaded" || done.Generation <= before {
		t.Errorf("a reload got %v", a)
	}
	r.rewrite("plugin.a.instances = 5", "plugin.a.instance = 5\nplugin.a.timeout = \"x\"")
	a = r.admin("POST", "/reload")
	if err := json.Unmarshal([]byte(a.body), &done); err != nil || a.status != 422 || len(done.Errors) != 2 || !strings.Contains(done.Errors[0], "host.toml:8: plugin.a.instance") {
		t.Errorf("a reload of a broken file got %v", a)
	}
	metrics := samples(r.admin("GET", "/metrics").body)
	if metrics[`wasmlane_reloads_total{result="success"}`] < 1 || metrics[`wasmlane_reloads_total{result="failure"}`] < 1 {
		t.Errorf("the metrics are %v", metrics)
	}
}
