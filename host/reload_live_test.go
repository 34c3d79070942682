package host

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// Reloads while requests run.

// TestReloadUnderLoad: of 200 reloads no client notices anything, and a request
// that begins after a reload is answered by what it loaded.
func TestReloadUnderLoad(t *testing.T) {
	version := func(n int) *guest {
		g := newGuest()
		return g.on("get", g.do("write", fmt.Sprintf("version %d;", n)), g.do("write", "whole"))
	}
	plain := func(n int) setup {
		s := setup{guests: map[string]*guest{"a": version(n), "same": says("same")}}
		s.keys = fmt.Sprintf("log.access = false\nplugin.a.config.n = \"%d\"", n/2) // another for every other reload
		if n%3 == 0 {
			s.routes = "GET /third same.get"
		}
		return s
	}
	r := start(t, plain(0))
	var (
		all      sync.WaitGroup
		stop     atomic.Bool
		requests atomic.Int64
	)
	for range 2 {
		all.Go(func() {
			for !stop.Load() {
				for _, path := range []string{"/a/get", "/same/get"} {
					a, err := r.try("GET", path, "")
					if err != nil || a.status != 200 || (path == "/same/get" && a.body != "same") || (path == "/a/get" && !strings.HasSuffix(a.body, ";whole")) {
						t.Errorf("%s got %v and %v", path, a, err)
						stop.Store(true)
					}
					requests.Add(1)
				}
				time.Sleep(time.Millisecond) // leaves the reloads some of the processor
			}
		})
	}
	created := func() uint64 { p := r.pool("same"); return p.Created }
	before := created()
	for n := 1; n <= 200 && !stop.Load(); n++ {
		r.until("requests between the reloads", func() bool { return requests.Load() >= int64(n) || stop.Load() })
		r.update(plain(n))
		r.reload()
		if a := r.get("/a/get"); a.body != fmt.Sprintf("version %d;whole", n) {
			t.Errorf("after reload %d came %v", n, a)
		}
		want := 404
		if n%3 == 0 {
			want = 200
		}
		if a := r.get("/third"); a.status != want {
			t.Errorf("after reload %d the route got %v, want %d", n, a, want)
		}
	}
	stop.Store(true)
	all.Wait()
	if created() < before {
		t.Error("the plugin that never changed was loaded again")
	}
	if n := len(r.logs.all("plugin loaded")); n < 200 {
		t.Errorf("%d plugins were loaded", n)
	}
	for _, entry := range r.logs.all("plugin loaded")[2:] {
		if entry.text("plugin") == "same" {
			t.Fatal("the plugin that never changed was loaded again")
		}
	}
}

// TestReloadKeepsOldRequests: a request that runs over a reload ends in the
// generation in which it began: its plugin, its settings, its store.
func TestReloadKeepsOldRequests(t *testing.T) {
	version := func(text string) *guest {
		g := newGuest()
		return g.on("hold", g.kvSet("in", "1"), g.until("go"), g.echo("config", "k"), g.do("write", text), g.kvSet("left", text),
			g.calls("b", "GET /b/get", ""), g.relay())
	}
	s := func(n string) setup {
		return setup{
			keys: fmt.Sprintf(`
				defaults.timeout = "60s"
				store.backend = "embedded"
				store.path = "data/%s.db"
				plugin.a.store = "a"
				plugin.a.calls = ["b"]
				plugin.a.config.k = "%s-"
				service.b.targets = ["local"]`, n, n),
			guests: map[string]*guest{"a": version("plugin-" + n + "-"), "b": says("called-" + n)},
		}
	}
	r := embed(t, s("old"))
	oldStore := r.store.Store // the rig's own look at it, for it moves
	old := r.later("/a/hold")
	r.until("the old request inside", func() bool { return r.has("a", "in") })
	r.update(s("new"))
	r.reload()
	if r.has("a", "in") {
		t.Fatal("the store did not move")
	}
	fresh := r.later("/a/hold")
	r.until("the new request inside", func() bool { return r.has("a", "in") })
	r.set("a", "go")
	if a := wait(t, fresh); a.body != "new-plugin-new-called-new" {
		t.Errorf("the new request got %v", a)
	}
	select {
	case a := <-old:
		t.Fatalf("the old request got %v before its store said so", a)
	default:
	}
	if _, err := kv.OpenEmbedded(filepath.Join(r.dir, "data/old.db")); err == nil {
		t.Error("the old store is closed although a request is in it")
	}
	if err := oldStore.Keyspace("a").Set(context.Background(), []byte("go"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if a := wait(t, old); a.body != "old-plugin-old-called-old" {
		t.Errorf("the old request got %v", a)
	}

	// With the last request the old generation goes, and its store with it.
	var again kv.Store
	r.until("the old store closed", func() bool {
		var err error
		again, err = kv.OpenEmbedded(filepath.Join(r.dir, "data/old.db"))
		return err == nil
	})
	defer again.Close()
	if v, err := again.Keyspace("a").Get(context.Background(), nil, []byte("left")); string(v) != "plugin-old-" {
		t.Errorf("the old store has %q and %v", v, err)
	}
	if !r.has("a", "left") {
		t.Error("the new store does not have what the new request wrote")
	}
}

// TestReloadAppliesLive: the settings that take effect without a restart do.
func TestReloadAppliesLive(t *testing.T) {
	g := newGuest()
	g.on("get", g.do("log", 0, "a debug line"), g.do("write", "0123456789"))
	g.on("sleep", g.sleep(time.Hour))
	keys := "plugin.a.timeout = \"60s\"\n"
	r := embed(t, setup{keys: keys, guests: map[string]*guest{"a": g}})
	reload := func(more string) {
		t.Helper()
		r.update(setup{keys: keys + more, guests: map[string]*guest{"a": g}})
		r.reload()
	}
	body := strings.Repeat("x", 100)

	reload("server.max_body = 99")
	r.refused(r.ask("POST", "/a/get", body), 413, "max_body")
	reload("server.max_body = 100\nserver.body_memory = 100")
	if a := r.ask("POST", "/a/get", body); a.status != 200 {
		t.Errorf("with room for it got %v", a)
	}
	reload("server.max_response = 9")
	r.refused(r.get("/a/get"), 500, "too large")
	reload("")
	if a := r.get("/a/get"); a.status != 200 {
		t.Errorf("got %v", a)
	}

	lines := len(r.logs.all("a debug line"))
	reload(`log.level = "info"`)
	r.get("/a/get")
	if n := len(r.logs.all("a debug line")); n != lines {
		t.Errorf("%d debug lines at level info", n-lines)
	}
	reload("log.access = false")
	r.idle()
	lines = len(r.logs.all("request"))
	r.get("/a/get")
	r.idle()
	if n := len(r.logs.all("request")); n != lines {
		t.Errorf("%d access lines with log.access = false", n-lines)
	}
	if n := len(r.logs.all("a debug line")); n == lines {
		t.Error("the level did not come back")
	}
	keys = "plugin.a.timeout = \"50ms\"\n"
	reload("")
	r.refused(r.get("/a/sleep"), 504, "in time")
	keys = "plugin.a.timeout = \"20ms\"\nplugin.a.instances = 3\n"
	reload("")
	r.refused(r.get("/a/sleep"), 504, "in time")
	if p := r.pool("a"); p.Limit != 3 {
		t.Errorf("the pool is %+v", p)
	}
}

// TestBodyMemoryOverReload: what is held counts against the new limit, and is
// given back.
func TestBodyMemoryOverReload(t *testing.T) {
	s := setup{
		keys:   "plugin.a.store = \"a\"\nplugin.a.timeout = \"60s\"\nserver.max_body = 1000\nserver.body_memory = 5000",
		guests: map[string]*guest{"a": gated()},
	}
	r := embed(t, s)
	held := make(chan answer, 1)
	go func() {
		a, err := r.try("POST", "/a/hold", strings.Repeat("x", 1000))
		if err != nil {
			t.Error(err)
		}
		held <- a
	}()
	r.inside("a", 1)
	s.keys = strings.Replace(s.keys, "5000", "1500", 1)
	r.update(s)
	r.reload()
	r.refused(r.ask("POST", "/a/hold", strings.Repeat("x", 501)), 503, "body_memory")
	r.set("a", "go")
	wait(t, held)
	if a := r.ask("POST", "/a/hold", strings.Repeat("x", 1000)); a.status != 200 {
		t.Errorf("got %v", a)
	}
}

// TestWatch: Run takes up a changed file by itself, keeps what it has while a file
// is broken, and says so.
func TestWatch(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": says("one")}})
	r.update(setup{guests: map[string]*guest{"a": says("two")}})
	r.until("the new plugin", func() bool { return r.get("/a/get").body == "two" })
	put(t, filepath.Join(r.dir, "plugins/a.wasm"), says("three").bytes()[:50])
	r.logged("reload failed; nothing was changed")
	if a := r.get("/a/get"); a.body != "two" {
		t.Errorf("with a broken plugin came %v", a)
	}
	put(t, filepath.Join(r.dir, "plugins/a.wasm"), says("three").bytes())
	r.until("the plugin when it is whole", func() bool { return r.get("/a/get").body == "three" })
	r.rewrite(`path = "/a/get"`, `path = "/b"`)
	r.until("the new route", func() bool { return r.get("/b").body == "three" })
}
