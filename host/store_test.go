package host

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/kv/redistest"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// TestPluginWaitsForRedis: a plugin that cannot initialise without the store is tried
// again when the store is back.
func TestPluginWaitsForRedis(t *testing.T) {
	server := redistest.Start(t)
	server.Kill()
	g := newGuest()
	g.on("get")
	// It traps unless the key is absent.
	g.on("wasmlane_init", g.get("kv_get", "k", 0, 0), wasmtest.I32Const(-1), wasmtest.Op(i32Eq), wasmtest.Op(i32Eqz), wasmtest.If(wasmtest.Unreachable()))
	r := embed(t, setup{
		keys:   fmt.Sprintf("store.backend = \"redis\"\nstore.url = \"redis://%s\"\nplugin.a.store = \"a\"", server.Addr),
		routes: "GET /ready @ready",
		guests: map[string]*guest{"a": g},
	})
	r.refused(r.get("/a/get"), 503, "")
	if a := r.get("/ready"); a.status != 503 || strings.Contains(a.body, server.Addr) || !strings.Contains(a.body, "store unavailable") {
		t.Errorf("/ready answers %v", a)
	}
	if reason := r.notReady(); !strings.Contains(reason, server.Addr) {
		t.Errorf("the reason is %q", reason)
	}
	server.Restart(t)
	r.until("the plugin to be loaded", func() bool { return r.get("/a/get").status == 204 || r.get("/a/get").status == 200 })
	r.until("a ready host", func() bool { return r.get("/ready").status == 200 })
}

// TestCheckConnectsToNothing: Check is content with a Redis that is not there, and
// does not look.
func TestCheckConnectsToNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := prepare(t, setup{
		keys:   fmt.Sprintf("store.backend = \"redis\"\nstore.url = \"redis://%s\"\nplugin.a.store = \"a\"", l.Addr()),
		guests: map[string]*guest{"a": says("hello")},
	})
	if err := Check(r.file, Options{Log: r.logs}); err != nil {
		t.Error(err)
	}
	// Who had connected would be the first in the queue.
	mark, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mark.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr().String() != mark.LocalAddr().String() {
		t.Error("Check has connected")
	}
}

// TestReloadMovesToRedis: a reload takes up another store, and back.
func TestReloadMovesToRedis(t *testing.T) {
	server := redistest.Start(t)
	s := func(store string) setup {
		return setup{keys: store + "\nplugin.a.store = \"a\"", guests: map[string]*guest{"a": says("hello")}}
	}
	memory := s(`store.backend = "memory"`)
	remote := s(fmt.Sprintf("store.backend = \"redis\"\nstore.url = \"redis://%s\"", server.Addr))
	r := embed(t, memory)
	r.set("a", "k")
	r.update(remote)
	r.reload()
	if r.has("a", "k") {
		t.Error("the store did not move")
	}
	r.set("a", "there")
	if got := server.Do(t, "HGET", "wasmlane:{a}:values", "there"); got != "1" {
		t.Errorf("Redis has %q", got)
	}
	r.update(memory)
	r.reload()
	if r.has("a", "there") {
		t.Error("the store did not move back")
	}
	r.until("the connection to be closed", func() bool {
		return !strings.Contains(server.Do(t, "CLIENT", "LIST"), "name=wasmlane")
	})
	r.update(remote)
	r.reload()
	if !r.has("a", "there") {
		t.Error("what was written is gone")
	}
}
