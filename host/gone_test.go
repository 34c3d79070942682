package host

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// Who leaves: clients before their answer, and the host itself.

// waiter is a guest that keeps its client waiting in every way there is.
func waiter() *guest {
	g := newGuest()
	g.on("sleep", g.kvSet("in", "1"), g.sleep(time.Hour), g.kvSet("woke", "1"))
	g.on("write", g.kvSet("in", "1"), wasmtest.Loop(
		g.get("write", 0, 0), wasmtest.LocalSet(0),
		wasmtest.LocalGet(0), wasmtest.Op(i32Eqz), wasmtest.BrIf(0)),
		wasmtest.LocalGet(0), wasmtest.I32Const(-7), wasmtest.Op(i32Eq),
		wasmtest.If(g.kvSet("closed", "1")))
	g.on("loop", g.kvSet("in", "1"), wasmtest.Forever())
	g.on("call", g.get("call", "b", "GET /b/sleep\n", ""), wasmtest.I32Const(-7), wasmtest.Op(i32Eq),
		wasmtest.If(g.kvSet("closed", "1")))
	return g
}

// TestClientGone: a guest that waits or computes ends soon after its client has
// gone, and one that writes is told CLOSED.
func TestClientGone(t *testing.T) {
	sleeper := newGuest()
	sleeper.on("sleep", sleeper.kvSet("in_callee", "1"), sleeper.sleep(time.Hour))
	for name, leave := range map[string]func(*peer){
		"close":  func(c *peer) { _ = c.Close() },
		"reset":  func(c *peer) { _ = c.Conn.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"by FIN": func(c *peer) { _ = c.Conn.(*net.TCPConn).CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, setup{
				keys: `
					defaults.timeout = "60s"
					plugin.a.store = "s"
					plugin.a.calls = ["b"]
					plugin.b.store = "s"
					service.b.targets = ["local"]`,
				guests: map[string]*guest{"a": waiter(), "b": sleeper},
				routes: "GET /off a.sleep timeout = \"off\"",
			})
			for path, in := range map[string]string{"/a/sleep": "in", "/off": "in", "/a/loop": "in", "/a/call": "in_callee", "/a/write": "in"} {
				id := "gone" + strings.ReplaceAll(path, "/", "-")
				r.unset("s", in)
				r.unset("s", "closed")
				c := r.dial()
				c.get(path, "X-Request-Id: "+id+"\r\n")
				r.until("the guest inside", func() bool { return r.has("s", in) })
				leave(c)
				r.inside("a", 0)
				r.inside("b", 0)
				if path == "/a/write" || path == "/a/call" {
					// It goes on and is told, unless it is ended before it can tell.
					r.until("CLOSED", func() bool {
						return r.has("s", "closed") || strings.Contains(r.logs.String(), `"client went away","plugin":"a","handler":"`+path[3:]+`"`)
					})
					continue
				}
				r.access(id, 499)
				r.logged("client went away", "request_id", id, "plugin", "a")
			}
			if r.has("s", "woke") {
				t.Error("a guest went on after its client had gone")
			}
		})
	}
}

// TestClientGoneFromStream: the same for a response that has begun.
func TestClientGoneFromStream(t *testing.T) {
	r := startStreams(t, "")
	for _, path := range []string{"/a/steps", "/off/endless", "/off/sleep", "/a/loop", "/off/loop"} {
		c := r.dial()
		c.get(path, "")
		c.head()
		if _, err := c.r.ReadByte(); err != nil {
			t.Fatal(err)
		}
		r.inside("a", 1)
		_ = c.Close()
		r.inside("a", 0)
	}
}

// unset removes a key.
func (r *rig) unset(keyspace, key string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.store.Keyspace(keyspace).Delete(context.Background(), []byte(key)); err != nil {
		r.t.Fatal(err)
	}
}

// TestDrain: requests in flight end, with an answer that ends their connection;
// then Run returns and the port is free.
func TestDrain(t *testing.T) {
	s := streamer()
	s.on("hold", s.until("go"), s.do("write", "held"))
	r := start(t, setup{keys: streamKeys + `server.drain = "60s"`, guests: map[string]*guest{"a": s}})
	idle, held, stream := r.dial(), r.dial(), r.dial()
	idle.get("/a/none", "")
	idle.answer("GET")
	held.get("/a/hold", "")
	stream.get("/a/steps", "")
	head := stream.head()
	stream.read(head.Body, "one two ")
	r.inside("a", 2)

	running := r.server.Load()
	r.cancel()
	r.until("the drain", running.Draining)
	if reason := r.notReady(); reason != "draining" {
		t.Errorf("readiness says %q", reason)
	}
	idle.ended() // nobody waits for an idle connection, and it ends without a reset
	select {
	case err := <-r.done:
		t.Fatalf("Run returned %v with requests inside", err)
	default:
	}
	r.set("a", "go")
	if a := held.answer("GET"); a.body != "held" || !a.close {
		t.Errorf("the request in flight got %v", a)
	}
	stream.read(head.Body, "three four")
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	held.ended()
	if c, err := net.DialTimeout("tcp", r.addr, patience); err == nil {
		_ = c.Close()
		t.Error("the port still takes connections")
	}
	r.logged("drained")

	// The host is not closed: it can run again.
	r.run()
	if a := r.get("/a/hold"); a.body != "held" {
		t.Errorf("after a second Run got %v", a)
	}
}

// TestDrainTooLong: what does not end within server.drain is cut, Run says so,
// and the guests end too.
func TestDrainTooLong(t *testing.T) {
	r := start(t, setup{
		keys:   streamKeys + "plugin.b.store = \"a\"\nplugin.b.timeout = \"60s\"\nserver.drain = \"100ms\"",
		guests: map[string]*guest{"a": gated(), "b": streamer()},
	})
	r.wild = true
	first, second := r.dial(), r.dial()
	first.get("/a/hold", "")
	second.get("/b/sleep", "")
	second.head()
	r.inside("a", 1)
	err := r.stop()
	if !errors.Is(err, server.ErrCut) {
		t.Errorf("Run returned %v, want that requests were cut off", err)
	}
	r.idle()
	if _, err := first.tryAnswer("GET"); err == nil {
		t.Error("the client of a request that was cut got an answer")
	}
}
