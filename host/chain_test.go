package host

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Calls within calls: the deadline travels along, and a circle has an end.

// TestCallDeadline: the callee has its route's time, and never more than what the
// caller has left.
func TestCallDeadline(t *testing.T) {
	slow := newGuest()
	slow.on("sleep", slow.sleep(time.Hour))
	slow.on("loop", wasmtest.Forever())
	front := relays(map[string]string{"short": "slow GET /short", "short_loop": "slow GET /short_loop"})
	front.on("sleep", front.calls("slow", "GET /slow/sleep", ""), wasmtest.Forever())
	front.on("loop", front.calls("slow", "GET /slow/loop", ""), wasmtest.Forever())
	front.on("after", front.tell(front.get("call", "slow", "GET /slow/sleep", "")))
	r := start(t, setup{
		keys: `
			defaults.timeout = "60s"
			plugin.front.calls = ["slow"]
			service.slow.targets = ["local"]`,
		guests: map[string]*guest{"front": front, "slow": slow},
		routes: `
			GET /short slow.sleep timeout = "50ms"
			GET /short_loop slow.loop timeout = "50ms"
			GET /hurry/sleep front.sleep timeout = "100ms"
			GET /hurry/loop front.loop timeout = "100ms"
			GET /hurry/after front.after timeout = "100ms"`,
	})
	for _, handler := range []string{"short", "short_loop"} { // the callee's time: the caller goes on and relays
		id := r.refused(r.get("/front/"+handler), 504, "in time")
		r.logged("deadline passed", "request_id", id, "plugin", "slow")
		r.access(id, 504)
		for _, entry := range r.logs.all("deadline passed") {
			if entry.text("plugin") != "slow" {
				t.Errorf("the caller ended too: %v", entry)
			}
		}
	}
	for _, handler := range []string{"sleep", "loop"} { // the caller's: both end
		undisturbed(t, func() error {
			begin := time.Now()
			id := r.refused(r.get("/hurry/"+handler), 504, "in time")
			if took := time.Since(begin); took < 100*time.Millisecond {
				t.Errorf("%s ended after %v, the timeout is 100ms", handler, took)
			}
			entry := r.logged("deadline passed", "request_id", id, "plugin", "front")
			if waited, _ := entry["waited_calls"].(float64); waited < float64(50*time.Millisecond) {
				return fmt.Errorf("%s: the log does not say that it waited for a call: %v", handler, entry)
			}
			return nil
		})
	}
	// One that comes to its end all the same was told TIMEOUT.
	if a := r.get("/hurry/after"); a.status != 504 && a.body != "\xfc\xff\xff\xff" {
		t.Errorf("got %v", a)
	}
}

// TestCallDepth: the ninth call in a chain is answered 508, and the chain stands
// in the log.
func TestCallDepth(t *testing.T) {
	g := newGuest()
	sum := g.place(make([]byte, 8))
	g.on("down", g.do("kv_add", "depth", wasmtest.I64Const(1), sum), g.calls("ring", "GET /a/down", ""), g.relay())
	r := start(t, setup{
		keys: `
			defaults.timeout = "60s"
			plugin.a.store = "s"
			plugin.a.calls = ["ring"]
			service.ring.targets = ["local"]
			service.ring.plugins = ["a"]`,
		guests: map[string]*guest{"a": g},
	})
	id := r.refused(r.get("/a/down"), 508, "nested")
	entry := r.logged("calls nested too deep", "request_id", id, "chain", "a.down -> a.down")
	if n := strings.Count(entry.text("chain"), "a.down"); n != 9 {
		t.Errorf("the chain has %d handlers: %v", n, entry)
	}
	value, err := r.store.Keyspace("s").Get(t.Context(), nil, []byte("depth"))
	if err != nil || string(value) != "9" {
		t.Errorf("the handler ran %q times (%v), want 9: the client's request and 8 calls", value, err)
	}
	r.idle()
	if p := r.pool("a"); p.Created-p.Discarded != uint64(p.Idle) {
		t.Errorf("instances were lost: %+v", p)
	}
}

// TestCallCycle: a call back into a plugin that has no other instance is answered
// at once. To queue would be to wait for oneself.
func TestCallCycle(t *testing.T) {
	a := relays(map[string]string{"self": "a GET /a/self", "other": "b GET /b/back"})
	b := relays(map[string]string{"back": "a GET /a/other"})
	r := start(t, setup{
		keys: `
			defaults.timeout = "60s"
			defaults.queue = "40s"
			defaults.instances = 1
			plugin.a.calls = ["a", "b"]
			plugin.b.calls = ["a"]
			service.a.targets = ["local"]
			service.b.targets = ["local"]`,
		guests: map[string]*guest{"a": a, "b": b},
	})
	for path, chain := range map[string]string{
		"/a/self":  "a.self -> a.self",
		"/a/other": "a.other -> b.back -> a.other",
	} {
		begin := time.Now()
		answer := r.get(path)
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("%s took %v", path, took)
		}
		id := r.refused(answer, 503, "no free instance")
		r.logged("no instance free for a nested call", "request_id", id, "chain", chain)
	}
}

// TestCallQueues: a call into a plugin that is only busy waits as a client's
// request does.
func TestCallQueues(t *testing.T) {
	r := start(t, setup{
		keys: callKeys + `
			defaults.queue = "40s"
			plugin.user.store = "a"
			plugin.user.instances = 1`,
		guests: map[string]*guest{"front": relays(map[string]string{"get": "user GET /user/hold"}), "user": gated()},
	})
	first := r.later("/user/hold")
	r.inside("user", 1)
	second := r.later("/front/get")
	r.until("the call in the queue", func() bool { return r.pool("user").Waiting == 1 })
	r.set("a", "go")
	for _, c := range []<-chan answer{first, second} {
		if a := wait(t, c); a.status != 200 || a.body != "held" {
			t.Errorf("got %v", a)
		}
	}
}

// TestCallOfStream: a callee that flushes is buffered, and bounded by
// max_response.
func TestCallOfStream(t *testing.T) {
	user := streamer()
	r := start(t, setup{
		keys: callKeys + `
			server.max_response = 100000
			plugin.user.store = "a"`,
		guests: map[string]*guest{"front": relays(map[string]string{"steps": "user GET /user/steps", "endless": "user GET /user/endless"}), "user": user},
	})
	r.set("a", "go")
	if a := r.get("/front/steps"); a.status != 202 || a.body != "one two three four" {
		t.Errorf("got %v", a)
	}
	r.refused(r.get("/front/endless"), 500, "too large")
	r.logged("response over server.max_response", "plugin", "user", "handler", "endless")
}

// TestCallsCloseWithRequest: responses that a guest leaves open, or that it holds
// when it traps, are not lost to the next one.
func TestCallsCloseWithRequest(t *testing.T) {
	front := newGuest()
	var open []byte
	for range 16 {
		open = append(open, front.do("call", "user", "GET /user/get", "")...)
	}
	front.on("leave", open)
	front.on("trap", slices.Clone(open), wasmtest.Unreachable())
	front.on("fresh", front.tell(front.get("call_status", 0)), front.calls("user", "GET /user/get", ""), front.tell(wasmtest.LocalGet(0)), front.relay())
	r := start(t, setup{keys: callKeys + "plugin.front.isolation = \"instance\"", guests: map[string]*guest{"front": front, "user": says("hello")}})
	for range 3 {
		if a := r.get("/front/leave"); a.status != 200 {
			t.Errorf("got %v", a)
		}
		r.refused(r.get("/front/trap"), 500, "the handler failed")
		if a := r.get("/front/fresh"); a.body != "\xfe\xff\xff\xff\x00\x00\x00\x00hello" {
			t.Errorf("got %v", a)
		}
	}
}
