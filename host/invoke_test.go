package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Single handlers without a server, and modules without a host.

func TestInvoke(t *testing.T) {
	g := teller()
	sum := g.place(make([]byte, 8))
	g.on("count", g.do("kv_add", "n", wasmtest.I64Const(1), sum), g.echo("kv_get", "n"))
	g.on("echo", g.do("status", 201), g.do("set_header", "x-a", "1"), g.echo("param", "id"), g.do("write", "|"), g.echo("header", "x-value", 0), g.do("write", "|"), g.echo("body"))
	g.on("crash", g.do("write", "half"), wasmtest.Unreachable())
	g.on("flushes", g.do("write", "one "), g.do("flush"), g.do("write", "two"))
	g.on("outer", g.calls("inner", "GET /inner/7\n", ""), g.relay())
	r := prepare(t, setup{
		keys: `
			store.backend = "embedded"
			store.path = "data/x.db"
			plugin.a.store = "a"
			plugin.a.calls = ["inner"]
			plugin.a.instances = 2
			service.inner.targets = ["local"]
			service.inner.plugins = ["a"]`,
		guests: map[string]*guest{"a": g, "bad": gated()},
		routes: "GET /inner/{id} a.id",
	})
	invoke := func(i Invocation, real bool) *Answer {
		t.Helper()
		a, err := Invoke(r.file, i, real, Options{Log: r.logs})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := invoke(Invocation{
		Handler: "a.echo", Path: "/x?q=1", Params: map[string]string{"id": "seven"},
		Headers: []string{"X-Value: v"}, Body: []byte("the body"),
	}, false)
	if a.Status != 201 || string(a.Body) != "seven|v|the body" || !slices.Contains(a.Headers, "X-A: 1") {
		t.Errorf("got %d %q %q", a.Status, a.Headers, a.Body)
	}
	if slices.ContainsFunc(a.Headers, func(h string) bool { return strings.HasPrefix(h, "Content-Type") || strings.HasPrefix(h, "Server") }) {
		t.Errorf("headers that nobody set: %q", a.Headers)
	}
	a = invoke(Invocation{Handler: "a.request", Path: "/p%20q?q=1", Headers: []string{"Host: h.test", "X-Request-Id: mine"}}, false)
	if want := "GET\n/p q\nq=1\n/p%20q?q=1\nh.test\nhttp\n\nHTTP/1.1\n(invoked)\nmine\n"; string(a.Body) != want {
		t.Errorf("the handler is told %q, want %q", a.Body, want)
	}
	a = invoke(Invocation{Handler: "a.request", Body: []byte("x")}, false)
	if !strings.HasPrefix(string(a.Body), "POST\n/\n") {
		t.Errorf("with a body the handler is told %q", a.Body)
	}
	if a := invoke(Invocation{Handler: "a.outer"}, false); a.Status != 200 || string(a.Body) != "7" {
		t.Errorf("a call to this host got %d %q", a.Status, a.Body)
	}
	if a := invoke(Invocation{Handler: "a.flushes"}, false); a.Status != 200 || string(a.Body) != "one two" {
		t.Errorf("what is flushed got %d %q", a.Status, a.Body)
	}
	if a := invoke(Invocation{Handler: "a.crash"}, false); a.Status != 500 || strings.Contains(string(a.Body), "half") {
		t.Errorf("a trap got %d %q", a.Status, a.Body)
	}
	r.logged("handler failed", "handler", "crash", "reason", "unreachable")

	// Without the real store nothing is left behind.
	for i, real := range []bool{false, false, true, true, false} {
		want := []string{"1", "1", "1", "2", "1"}[i]
		if a := invoke(Invocation{Handler: "a.count"}, real); string(a.Body) != want {
			t.Errorf("count %d, real %v, is %q, want %q", i, real, a.Body, want)
		}
	}

	for handler, want := range map[string]string{
		"none.get": `no plugin "none"`, "a.none": `a.wasm has no handler "none"; it exports count, crash`, "bad.hold": `store = "bad"`,
		"a": "PLUGIN.EXPORT", "a.b.c": "PLUGIN.EXPORT", ".x": "PLUGIN.EXPORT", "": "PLUGIN.EXPORT",
	} {
		err := ParseHandler(handler)
		if err == nil {
			_, err = Invoke(r.file, Invocation{Handler: handler}, false, Options{Log: r.logs})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", handler, err, want)
		}
	}
	for _, bad := range []Invocation{{Path: "/a b"}, {Path: "/a\nb"}, {Method: "G T"}, {Headers: []string{"no colon"}}, {Headers: []string{"A: b\nC: d\n\nE"}}} {
		bad.Handler = "a.echo"
		if a, err := Invoke(r.file, bad, false, Options{Log: r.logs}); err == nil {
			t.Errorf("%+v got %d %q", bad, a.Status, a.Body)
		}
	}
	r.rewrite("plugin.a.instances = 2", "plugin.a.instances = 0")
	if _, err := Invoke(r.file, Invocation{Handler: "a.echo"}, false, Options{Log: r.logs}); err == nil || !strings.Contains(err.Error(), "plugin.a.instances") {
		t.Errorf("with a broken configuration: %v", err)
	}
}

func TestInspect(t *testing.T) {
	g := gated().on("wasmlane_init").on("_initialize").on("extra")
	g.module.Producers("language", "Test", "1.0")
	file := filepath.Join(t.TempDir(), "x.wasm")
	put(t, file, g.bytes())
	m, err := Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(m.Handlers) != "[extra hold]" || !m.Init || !m.Initialize || m.MemoryMin != 3<<16 || m.Size != len(g.bytes()) || len(m.SHA256) != 64 || !strings.Contains(m.Language, "Test") {
		t.Errorf("got %+v", m)
	}
	grants := map[string]string{}
	for _, i := range m.Imports {
		grants[i.Module+"."+i.Name] = i.Grant
	}
	want := map[string]string{"wasmlane_v1.kv_get": `store = "NAME"`, "wasmlane_v1.write": "", "wasi_snapshot_preview1.poll_oneoff": ""}
	if fmt.Sprint(grants) != fmt.Sprint(want) {
		t.Errorf("the imports are %v, want %v", grants, want)
	}
	for name, b := range map[string][]byte{"garbage": []byte("garbage"), "truncated": g.bytes()[:100], "empty": {}} {
		put(t, file, b)
		var about *FileError
		if _, err := Inspect(file); !errors.As(err, &about) || about.File != file || !strings.HasPrefix(err.Error(), file+": ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Inspect(filepath.Join(t.TempDir(), "none.wasm")); err == nil {
		t.Error("a missing file is no error")
	}
}
