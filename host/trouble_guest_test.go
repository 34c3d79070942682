package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// What a client sees, and the log says, of a guest that goes wrong.

// broken is a guest whose handlers each go wrong in a way of their own, and one,
// "fine", that does not.
func broken() *guest {
	g := newGuest()
	wrote := g.do("write", "half an answer")
	g.on("fine", g.do("write", "fine"))
	g.on("unreachable", g.do("status", 201), wrote, wasmtest.Unreachable())
	g.on("bounds", wrote, load(-8), wasmtest.Drop())
	g.on("pointer", wrote, g.do("write", 0x7fff0000, 8))
	g.on("length", wrote, g.do("write", 8, -1))
	g.on("wrapped", wrote, g.do("set_header", -1, 4, "value"))
	g.on("status_low", wrote, g.do("status", 100))
	g.on("status_high", wrote, g.do("status", 600))
	g.on("exit", wrote, g.do("proc_exit", 0))
	g.on("exit_3", wrote, g.do("proc_exit", 3))
	return g
}

// TestTrap: every way to trap is a 500 that says nothing of the guest, the log
// says all, and the instance is not used again.
func TestTrap(t *testing.T) {
	r := start(t, setup{
		keys:   "plugin.a.isolation = \"instance\"\nplugin.a.instances = 1",
		guests: map[string]*guest{"a": broken()},
	})
	discarded := uint64(0)
	for handler, reason := range map[string]string{
		"unreachable": "unreachable",
		"bounds":      "out of bounds memory access",
		"pointer":     "host function misused: write: ptr: 0x7fff0000+8 is outside memory",
		"length":      "host function misused: write: ptr: 0x8+4294967295 is outside memory",
		"wrapped":     "host function misused: set_header: name: 0xffffffff+4 is outside memory",
		"status_low":  "host function misused: status: code: 100",
		"status_high": "host function misused: status: code: 600",
		"exit":        "guest exited with code 0",
		"exit_3":      "guest exited with code 3",
	} {
		t.Run(handler, func(t *testing.T) {
			r := r.in(t)
			id := r.refused(r.get("/a/"+handler), 500, "the handler failed")
			entry := r.logged("handler failed", "request_id", id, "plugin", "a", "handler", handler, "reason", reason)
			if entry.text("level") != "ERROR" || entry.text("wasm_stack") == "" {
				t.Errorf("the log says %v, want an error with the guest's stack", entry)
			}
			if strings.Contains(entry.text("wasm_stack"), ".go:") {
				t.Errorf("the guest's stack holds the host's: %v", entry)
			}
			r.access(id, 500)
			if a := r.get("/a/fine"); a.status != 200 || a.body != "fine" {
				t.Errorf("the next request got %v", a)
			}
		})
		discarded++
		if p := r.pool("a"); p.Discarded != discarded || p.Created != discarded+1 {
			t.Fatalf("%d traps, and the pool is %+v", discarded, p)
		}
	}
}

// TestDeepRecursion: the native stack has an end, and the host lives on.
func TestDeepRecursion(t *testing.T) {
	g := newGuest()
	g.on("fine", g.do("write", "fine"))
	recursive := wasmtest.New().Memory(1, 1)
	recursive.Export("deep", wasmtest.KindFunc, recursive.Func(nil, nil, nil, wasmtest.Call(0), wasmtest.Call(0)))
	r := start(t, setup{
		keys:   `plugin.b.timeout = "20s"`,
		guests: map[string]*guest{"a": g},
		files:  map[string][]byte{"plugins/b.wasm": recursive.Bytes()},
		routes: "GET /deep b.deep",
	})
	for range 2 {
		id := r.refused(r.get("/deep"), 500, "the handler failed")
		r.logged("handler failed", "request_id", id, "plugin", "b", "handler", "deep", "reason", "stack limit")
		if a := r.get("/a/fine"); a.body != "fine" {
			t.Fatalf("the next request got %v", a)
		}
	}
}

// TestDeadline: computing, sleeping and both together end with 504, and the log
// says where the time went.
func TestDeadline(t *testing.T) {
	g := newGuest()
	g.on("fine", g.do("write", "fine"))
	g.on("loop", wasmtest.Forever())
	g.on("sleep", g.do("write", "half"), g.sleep(time.Hour), g.do("write", "awake"))
	g.on("naps", wasmtest.Loop(g.sleep(time.Millisecond), wasmtest.Br(0)))
	g.on("busy", wasmtest.Loop(g.do("write", 0, 0), wasmtest.Br(0)))
	r := start(t, setup{
		keys:   "plugin.a.isolation = \"instance\"\nplugin.a.instances = 1\nplugin.a.timeout = \"100ms\"\nplugin.a.queue = \"20s\"",
		guests: map[string]*guest{"a": g},
	})
	for handler, slept := range map[string]bool{"loop": false, "sleep": true, "naps": true, "busy": false} {
		t.Run(handler, func(t *testing.T) {
			r := r.in(t)
			undisturbed(t, func() error {
				begin := time.Now()
				id := r.refused(r.get("/a/"+handler), 504, "in time")
				if took := time.Since(begin); took < 100*time.Millisecond {
					t.Errorf("ended after %v, the timeout is 100ms", took)
				}
				entry := r.logged("deadline passed", "request_id", id, "plugin", "a", "handler", handler, "waited_store", "", "waited_calls", "")
				ran, _ := entry["ran"].(float64)
				rest, _ := entry["slept"].(float64)
				if ran < float64(90*time.Millisecond) || (rest > ran/2) != slept {
					return fmt.Errorf("the log says that it ran %v and slept %v of it", time.Duration(ran), time.Duration(rest))
				}
				return nil
			})
			if a := r.get("/a/fine"); a.status != 200 || a.body != "fine" {
				t.Errorf("the next request got %v", a)
			}
		})
	}
}

// TestRouteTimeout: a route's own timeout wins over the plugin's.
func TestRouteTimeout(t *testing.T) {
	g := newGuest()
	g.on("sleep", g.sleep(time.Hour))
	g.on("nap", g.sleep(300*time.Millisecond), g.do("write", "awake"))
	r := start(t, setup{
		keys:   "plugin.a.timeout = \"100ms\"\nplugin.b.timeout = \"1h\"",
		guests: map[string]*guest{"a": g, "b": g},
		routes: "GET /long a.nap timeout = \"20s\"\nGET /none a.nap timeout = \"off\"\nGET /short b.sleep timeout = \"50ms\"",
	})
	r.refused(r.get("/a/nap"), 504, "in time")
	r.refused(r.get("/short"), 504, "in time")
	for _, path := range []string{"/long", "/none"} {
		if a := r.get(path); a.body != "awake" {
			t.Errorf("%s got %v", path, a)
		}
	}
}

// TestMemoryLimit: memory.grow answers -1 at the limit and the guest decides.
func TestMemoryLimit(t *testing.T) {
	g := newGuest()
	g.pages = 4
	grow := func(pages int32) []byte {
		return append(wasmtest.I32Const(pages), wasmtest.MemoryGrow()...)
	}
	g.on("within", g.tell(grow(4)), g.tell(grow(0)))
	g.on("over", g.tell(grow(5)), g.tell(grow(4)), g.tell(grow(1)))
	g.on("traps", wasmtest.Loop(grow(1), wasmtest.I32Const(0), wasmtest.Op(i32GeS), wasmtest.BrIf(0)), wasmtest.Unreachable())
	r := start(t, setup{keys: `plugin.a.memory = "512KiB"`, guests: map[string]*guest{"a": g}})
	for range 2 { // memory that grew is not the next request's
		if n := r.get("/a/within").numbers(); len(n) != 2 || n[0] != 4 || n[1] != 8 {
			t.Errorf("growing to the limit answers %d, want 4 8", n)
		}
		if n := r.get("/a/over").numbers(); len(n) != 3 || n[0] != -1 || n[1] != 4 || n[2] != -1 {
			t.Errorf("growing over the limit answers %d, want -1 4 -1", n)
		}
		id := r.refused(r.get("/a/traps"), 500, "the handler failed")
		r.logged("handler failed", "request_id", id, "plugin", "a",
			"memory_refused", "it asked for more than memory = 524288 bytes; raise memory in [plugin.a] if it is meant to")
	}
	if limit := r.plugin("a").Memory; limit != 512<<10 {
		t.Errorf("the limit is shown as %d", limit)
	}
}

// TestResponseTooLarge: a write over max_response is refused. The response is then
// not whole, whatever the guest makes of it, and nothing of it is sent.
func TestResponseTooLarge(t *testing.T) {
	g := newGuest()
	g.on("fits", g.do("write", 0, 1000))
	g.on("over", g.do("status", 201), g.do("write", 0, 1000), g.do("write", 0, 1))
	g.on("endless", wasmtest.Loop(
		g.get("write", 0, 100), wasmtest.Op(i32Eqz), wasmtest.BrIf(0)))
	r := start(t, setup{keys: "server.max_response = 1000", guests: map[string]*guest{"a": g}})
	if a := r.get("/a/fits"); a.status != 200 || len(a.body) != 1000 {
		t.Errorf("max_response bytes got %v", a)
	}
	for _, handler := range []string{"over", "endless"} {
		id := r.refused(r.get("/a/"+handler), 500, "too large")
		r.logged("response over server.max_response", "request_id", id, "plugin", "a", "handler", handler, "max_response", "1000", "written", "1000")
		r.access(id, 500)
	}
}

// TestHostPanics: a defect of the host itself is a 500, and the process lives.
func TestHostPanics(t *testing.T) {
	r := prepare(t, setup{guests: map[string]*guest{"a": says("hello")}, routes: "GET /health @health\nGET /ready @ready"})
	r.open()
	r.builder.Builtins["health"] = func(*exchange.Exchange) { panic("secret of the host") }
	if err := r.Reload(); err != nil { // routes take their handlers from there
		t.Fatal(err)
	}
	r.run()
	for range 2 {
		c := r.dial()
		c.get("/health", "")
		a := c.answer("GET")
		r.refused(a, 500, "internal error")
		if strings.Contains(a.body, "secret") {
			t.Errorf("the client is told %q", a.body)
		}
		c.ended()
		r.logged("panic in the host", "panic", "secret of the host", "stack", "TestHostPanics")
		if a := r.get("/a/get"); a.body != "hello" {
			t.Errorf("the next request got %v", a)
		}
	}
}
