package host

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// What a request finds in memory: what initialisation left, and under isolation
// "instance" what earlier requests did.

// keeper is a guest that tells what is in its memory, in a global and in memory
// it grew, and then changes all three.
func keeper() *guest {
	g := newGuest()
	cell := g.place(make([]byte, 8))
	global := g.module.Global(wasmtest.I32, true, wasmtest.I32Const(0))
	g.on("wasmlane_init", store(cell, wasmtest.I32Const(100)), wasmtest.I32Const(10), wasmtest.GlobalSet(global))
	g.on("visit",
		g.tell(load(cell)), g.tell(wasmtest.GlobalGet(global)), g.tell(wasmtest.MemorySize()),
		store(cell, append(load(cell), append(wasmtest.I32Const(1), i32Add)...)),
		wasmtest.GlobalGet(global), wasmtest.I32Const(1), wasmtest.Op(i32Add), wasmtest.GlobalSet(global),
		wasmtest.I32Const(1), wasmtest.MemoryGrow(), wasmtest.Drop())
	return g
}

func TestIsolation(t *testing.T) {
	for isolation, step := range map[string]int32{"request": 0, "instance": 1} {
		t.Run(isolation, func(t *testing.T) {
			r := start(t, setup{
				keys:   fmt.Sprintf("plugin.a.isolation = %q\nplugin.a.instances = 1", isolation),
				guests: map[string]*guest{"a": keeper()},
			})
			for visit := range int32(5) {
				want := fmt.Sprint([]int32{100 + visit*step, 10 + visit*step, 3 + visit*step})
				if got := fmt.Sprint(r.get("/a/visit").numbers()); got != want {
					t.Errorf("visit %d finds %s, want %s", visit, got, want)
				}
			}
			if p := r.pool("a"); p.Created-p.Discarded > 1 {
				t.Errorf("the pool is %+v", p)
			}
		})
	}
}

// TestIsolationAtOnce: the same while many requests run.
func TestIsolationAtOnce(t *testing.T) {
	r := start(t, setup{keys: "plugin.a.instances = 4\nplugin.a.queue = \"30s\"", guests: map[string]*guest{"a": keeper()}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if a, err := r.try("GET", "/a/visit", ""); err != nil || fmt.Sprint(a.numbers()) != "[100 10 3]" {
					t.Errorf("got %v %d and %v", a, a.numbers(), err)
				}
			}
		})
	}
	all.Wait()
	if p := r.pool("a"); p.InUse != 0 || p.Idle > 4 {
		t.Errorf("the pool is %+v", p)
	}
}

// TestInit: wasmlane_init runs before any request, may log and read config and
// the store, and must not write.
func TestInit(t *testing.T) {
	g := newGuest()
	value := g.place(make([]byte, 64))
	codes := g.place(make([]byte, 32))
	g.on("_initialize", g.do("log", 1, "in _initialize"), store(codes+28, append(load(codes+28), append(wasmtest.I32Const(5), i32Add)...)))
	g.on("wasmlane_init",
		g.do("log", 1, "in wasmlane_init"),
		store(codes, g.get("config", "greeting", value, 32)),
		store(codes+4, g.get("config", "none", 0, 0)),
		store(codes+8, g.get("kv_get", "color", value+32, 32)),
		store(codes+12, g.get("kv_set", "color", "red")),
		store(codes+16, g.get("kv_delete", "color")),
		store(codes+20, g.get("kv_swap", "color", "blue", "red")),
		store(codes+24, g.get("kv_add", "n", wasmtest.I64Const(1), value)),
		store(codes+28, append(load(codes+28), append(wasmtest.I32Const(1), i32Add)...)))
	g.on("get", g.do("write", codes, 32), g.do("write", value, 5), g.do("write", value+32, 4))

	// The store must be filled before the plugin loads: the first guest does it.
	r := start(t, setup{
		keys: `
			plugin.a.store = "s"
			plugin.fill.store = "s"
			plugin.a.config.greeting = "hello"`,
		guests: map[string]*guest{"a": g, "fill": says("filled")},
	})
	r.Host.mu.Lock()
	err := r.store.Keyspace("s").Set(context.Background(), []byte("color"), []byte("blue"))
	r.Host.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	r.rewrite(`greeting = "hello"`, `greeting = "howdy"`) // loads it again
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a := r.get("/a/get")
		if got := fmt.Sprint(a.numbers()[:8]); got != "[5 -1 4 -3 -3 -3 -3 6]" || !strings.HasSuffix(a.body, "howdyblue") {
			t.Errorf("initialisation found %s %q", got, a.body[32:])
		}
	}
	for _, step := range []string{"_initialize", "wasmlane_init"} {
		if entry := r.logged("in "+step, "plugin", "a"); entry.text("request_id") != "" {
			t.Errorf("the log gives a request to %v", entry)
		}
	}
}

// TestInitHasNoRequest: every function about a request traps while there is none,
// and the plugin does not load.
func TestInitHasNoRequest(t *testing.T) {
	for name, code := range map[string]func(*guest) []byte{
		"status": func(g *guest) []byte { return g.do("status", 200) },
		"write":  func(g *guest) []byte { return g.do("write", "x") },
		"flush":  func(g *guest) []byte { return g.do("flush") },
		"header": func(g *guest) []byte { return g.do("header", "host", 0, 0, 0) },
		"body":   func(g *guest) []byte { return g.do("body", 0, 0) },
		"call":   func(g *guest) []byte { return g.do("call", "user", "GET /\n", "") },
	} {
		g := newGuest()
		g.on("get").on("wasmlane_init", code(g))
		r := prepare(t, setup{keys: "plugin.a.calls = [\"user\"]\nservice.user.targets = [\"local\"]", guests: map[string]*guest{"a": g}})
		err := Check(r.file, Options{Log: r.logs})
		if want := "wasmlane_init failed: " + name + ": no request"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Check says %v, want %q", name, err, want)
		}
	}
}

// TestInitTimeout: an initialisation that does not end is stopped, and the error
// names the key.
func TestInitTimeout(t *testing.T) {
	for name, code := range map[string]func(*guest) []byte{
		"loop":  func(*guest) []byte { return wasmtest.Forever() },
		"sleep": func(g *guest) []byte { return g.sleep(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest()
			g.on("get").on("wasmlane_init", code(g))
			r := start(t, setup{
				keys:   `plugin.a.init_timeout = "100ms"`,
				guests: map[string]*guest{"a": g, "b": says("hello")},
			})
			r.refused(r.get("/a/get"), 503, "not loaded")
			if a := r.get("/b/get"); a.body != "hello" {
				t.Errorf("the other plugin answers %v", a)
			}
			if got, want := r.plugin("a").Error, "wasmlane_init did not end within 100ms (init_timeout)"; !strings.Contains(got, want) {
				t.Errorf("the error is %q, want %q", got, want)
			}
		})
	}
}
