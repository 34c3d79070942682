package host

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// What a client sees, and the log says, when there is no instance to answer with.

// gated is a guest whose handler "hold" answers when the test sets the key "go"
// in keyspace "a".
func gated() *guest {
	g := newGuest()
	g.on("hold", g.until("go"), g.do("write", "held"))
	return g
}

// TestQueueFull: who waits for longer than queue is sent away, and the log says
// how large the pool is.
func TestQueueFull(t *testing.T) {
	r := start(t, setup{
		keys: `
			plugin.a.store = "a"
			plugin.a.timeout = "60s"
			plugin.a.instances = 1
			plugin.a.queue = "100ms"`,
		guests: map[string]*guest{"a": gated()},
	})
	first := r.later("/a/hold")
	r.inside("a", 1)
	begin := time.Now()
	a := r.get("/a/hold")
	took := time.Since(begin)
	id := r.refused(a, 503, "busy")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	if took < 100*time.Millisecond {
		t.Errorf("sent away after %v, queue is 100ms", took)
	}
	r.logged("no instance free within queue", "request_id", id, "plugin", "a", "handler", "hold", "instances", "1", "in_flight", "1", "queue", "1e+08")
	r.set("a", "go")
	if a := wait(t, first); a.body != "held" {
		t.Errorf("the first got %v", a)
	}
	if a := r.get("/a/hold"); a.body != "held" {
		t.Errorf("got %v when the instance was free again", a)
	}
}

// TestQueue: who waits within queue is served in the end.
func TestQueue(t *testing.T) {
	r := start(t, setup{
		keys: `
			plugin.a.store = "a"
			plugin.a.timeout = "60s"
			plugin.a.instances = 2
			plugin.a.queue = "30s"`,
		guests: map[string]*guest{"a": gated()},
	})
	var all []<-chan answer
	for range 6 {
		all = append(all, r.later("/a/hold"))
	}
	r.until("four in the queue", func() bool { p := r.pool("a"); return p.InUse == 2 && p.Waiting == 4 })
	r.set("a", "go")
	for _, c := range all {
		if a := wait(t, c); a.body != "held" {
			t.Errorf("got %v", a)
		}
	}
}

// TestQueueDeadline: the wait for an instance counts against the deadline.
func TestQueueDeadline(t *testing.T) {
	r := start(t, setup{
		keys: `
			plugin.a.store = "a"
			plugin.a.timeout = "60s"
			plugin.a.instances = 1
			plugin.a.queue = "30s"`,
		guests: map[string]*guest{"a": gated()},
		routes: `GET /hurry a.hold timeout = "50ms"`,
	})
	first := r.later("/a/hold")
	r.inside("a", 1)
	id := r.refused(r.get("/hurry"), 504, "in time")
	r.logged("deadline passed while waiting for an instance", "request_id", id, "plugin", "a")
	r.set("a", "go")
	wait(t, first)
}

// TestPluginNotLoaded: a plugin that does not load is a 503 on its routes, and
// only there. The log, Check, Plugins, Routes and the admin API say why.
func TestPluginNotLoaded(t *testing.T) {
	traps := newGuest()
	traps.on("get", traps.do("write", "never"))
	traps.on("wasmlane_init", wasmtest.Unreachable())
	greedy := says("too large")
	greedy.pages = 100
	good := says("hello")
	foreign := wasmtest.New()
	foreign.Import("env", "puts", nil, nil)
	for name, c := range map[string]struct {
		bad    []byte // plugins/bad.wasm; nil: no such file
		keys   string
		reason string
	}{
		"no file":      {nil, "", "bad.wasm"},
		"empty":        {[]byte{}, "", "the file is empty"},
		"garbage":      {[]byte("#!/bin/sh\n"), "", "not a WebAssembly module: it looks like a script"},
		"truncated":    {good.bytes()[:60], "", "truncated"},
		"no grant":     {gated().bytes(), "", `store = "bad"`},
		"other import": {foreign.Memory(1, 1).Bytes(), "", "env"},
		"no handler":   {says("hello").on("gone", nil).bytes(), "", `no handler "get_all"`},
		"init traps":   {traps.bytes(), "", "wasmlane_init failed: unreachable"},
		"starts large": {greedy.bytes(), `plugin.bad.memory = "1MiB"`, "raise memory"},
		"other sum":    {good.bytes(), `plugin.bad.sha256 = "` + strings.Repeat("ab", 32) + `"`, "SHA-256"},
		"over a limit": {good.bytes(), `plugin.bad.max_module = 100`, "max_module"},
		"very large":   {append(good.bytes(), make([]byte, 64<<20)...), "", "max_module"},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup{
				keys:   "admin.listen = \"127.0.0.1:0\"\n" + c.keys,
				guests: map[string]*guest{"good": good},
				files:  map[string][]byte{},
				routes: "GET /bad bad.get_all",
			}
			if c.bad != nil {
				s.files["plugins/bad.wasm"] = c.bad
			}
			r := start(t, s)
			r.refused(r.get("/bad"), 503, "not loaded")
			if a := r.get("/good/get"); a.status != 200 || a.body != "hello" {
				t.Errorf("the other plugin answers %v", a)
			}
			r.logged("not loaded", "error", c.reason)
			if err := Check(r.file, Options{Log: new(logLines)}); err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("Check says %v, want %q", err, c.reason)
			}
			for _, route := range r.Routes() {
				if bad := route.Path == "/bad"; bad != strings.Contains(route.Error, c.reason) || bad != (route.Error != "") {
					t.Errorf("the route %v has the error %q", route, route.Error)
				}
			}
			if name == "no handler" { // the plugin itself is well
				return
			}
			if got := r.plugin("bad").Error; !strings.Contains(got, c.reason) {
				t.Errorf("Plugins says %q, want %q", got, c.reason)
			}
			var shown []PluginStatus
			if err := json.Unmarshal([]byte(r.admin("GET", "/plugins").body), &shown); err != nil {
				t.Fatal(err)
			}
			if len(shown) != 2 || shown[0].Name != "bad" || !strings.Contains(shown[0].Error, c.reason) || shown[1].Error != "" {
				t.Errorf("the admin API shows %+v", shown)
			}
		})
	}
}

// admin asks the admin listener.
func (r *rig) admin(method, path string) answer {
	r.t.Helper()
	sub := *r
	sub.addr = r.adminAddr()
	return sub.ask(method, path, "")
}

// adminAddr is the address of the admin listener.
func (r *rig) adminAddr() string {
	r.t.Helper()
	return r.logged("admin listening").text("addr")
}
