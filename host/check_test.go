package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Check and Open: the same finds, and Check opens nothing.

// TestCheckAndOpenAgree: a configuration that Open refuses is refused by Check in
// the same words, all errors at once, each with its line.
func TestCheckAndOpenAgree(t *testing.T) {
	hello := map[string]*guest{"a": says("hello")}
	for name, c := range map[string]struct {
		s    setup
		want []string
	}{
		"syntax":        {setup{keys: "a = = b", guests: hello}, []string{"host.toml:6"}},
		"values":        {setup{keys: "server.backlog = -1\nlog.access = 7\nplugin.a.timeout = \"x\"", guests: hello}, []string{":6: server.backlog", ":7: log.access", ":8: plugin.a.timeout"}},
		"routes":        {setup{routes: "GET /x a.get\nPUT /x a.get\nGET /x a.get\nGET /{x a.get", guests: hello}, []string{"at line 10", "closing brace"}},
		"bad and worse": {setup{keys: "server.backlog = -1", guests: hello, files: map[string][]byte{"plugins/b.wasm": []byte("junk")}}, []string{":6: server.backlog", "b.wasm: not a WebAssembly module"}},
		"certificate":   {setup{keys: "server.tls_cert = \"none.pem\"\nserver.tls_key = \"none.key\"", guests: hello}, []string{"server.tls_cert"}},
		"redis":         {setup{keys: "store.backend = \"redis\"\nstore.url = \"rediss://127.0.0.1:6379/0?ca=none.pem\"", guests: hello}, []string{":6: store.url", "none.pem"}},
		"redis url":     {setup{keys: "store.backend = \"redis\"\nstore.url = { env = \"WASMLANE_TEST_UNSET\" }", guests: hello}, []string{":6: store.url", "is not set"}},
		"no directory":  {setup{keys: "plugin_dir = \"none\"", guests: hello}, []string{"plugin_dir", "does not exist"}},
		"calls":         {setup{keys: "plugin.a.calls = [\"b\"]", guests: hello}, []string{"there is no [service.b]"}},
		"srv":           {setup{keys: "service.b.srv = \"b.internal\"\nservice.c.srv = \"_http._tcp.c.internal\"\nservice.c.check_interval = \"1s\"", guests: hello}, []string{":6: service.b.srv", ":8: service.c.check_interval"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := prepare(t, c.s)
			checked := Check(r.file, Options{Log: r.logs})
			h, opened := Open(r.file, Options{Log: r.logs})
			if opened == nil {
				_ = h.Close()
				t.Fatal("Open succeeded")
			}
			if checked == nil || checked.Error() != opened.Error() {
				t.Errorf("Check says\n%v\nand Open says\n%v", checked, opened)
			}
			for _, want := range c.want {
				if !strings.Contains(opened.Error(), want) {
					t.Errorf("Open says %q, want %q", opened, want)
				}
			}
			var one config.Error
			var all config.Errors
			if !errors.As(opened, &one) && !errors.As(opened, &all) {
				t.Errorf("the error %T holds no config.Error", opened)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.toml"), Options{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}

// TestCheckOpensNoStore: it works while another process holds the store, leaves
// no file behind, and initialises plugins with a store that is UNAVAILABLE.
func TestCheckOpensNoStore(t *testing.T) {
	g := newGuest()
	g.on("get")
	g.on("wasmlane_init", g.get("kv_get", "k", 0, 0), wasmtest.I32Const(-5), wasmtest.Op(i32Eq), wasmtest.Op(i32Eqz), wasmtest.If(wasmtest.Unreachable()))
	r := prepare(t, setup{
		keys:   "store.backend = \"embedded\"\nstore.path = \"data/x.db\"\nplugin.a.store = \"a\"",
		guests: map[string]*guest{"a": g},
	})
	if err := Check(r.file, Options{Log: r.logs}); err != nil {
		t.Errorf("Check says %v", err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "data")); err == nil {
		t.Error("Check has made the store's directory")
	}

	held, err := kv.OpenEmbedded(filepath.Join(r.dir, "data/x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := Check(r.file, Options{Log: r.logs}); err != nil {
		t.Errorf("Check of a store in use says %v", err)
	}
	if h, err := Open(r.file, Options{Log: r.logs}); err == nil {
		_ = h.Close()
		t.Error("Open of a store in use succeeded")
	} else if !strings.Contains(err.Error(), "host.toml:6: store.path: ") {
		t.Errorf("Open says %v", err)
	}
}

// TestOpenLeavesNothing: after an Open that failed the store is free again.
func TestOpenLeavesNothing(t *testing.T) {
	r := prepare(t, setup{
		keys:   "store.backend = \"embedded\"\nstore.path = \"data/x.db\"",
		routes: "GET /x a.get\nGET /x a.get",
		guests: map[string]*guest{"a": says("hello")},
	})
	if _, err := Open(r.file, Options{Log: r.logs}); err == nil {
		t.Fatal("Open succeeded")
	}
	s, err := kv.OpenEmbedded(filepath.Join(r.dir, "data/x.db"))
	if err != nil {
		t.Fatalf("the store is still held: %v", err)
	}
	_ = s.Close()
}

// TestOddFiles: what else lies in the plugin directory harms nothing; a name that
// looks like a plugin's and is none is mentioned.
func TestOddFiles(t *testing.T) {
	r := start(t, setup{
		guests: map[string]*guest{"a": says("hello"), "b-2_c": says("other")},
		files: map[string][]byte{
			"plugins/Upper.wasm": []byte("x"), "plugins/2nd.wasm": []byte("x"), "plugins/.part.wasm": []byte("x"),
			"plugins/notes.txt": []byte("x"), "plugins/sub/d.wasm": []byte("x"), "plugins/a.wasm.bak": []byte("x"),
		},
	})
	if a := r.get("/b-2_c/get"); a.body != "other" {
		t.Errorf("got %v", a)
	}
	if n := len(r.Plugins()); n != 2 {
		t.Errorf("there are %d plugins", n)
	}
	r.logged("file ignored", "file", "Upper.wasm")
	r.logged("file ignored", "file", "2nd.wasm")
	if n := len(r.logs.all("file ignored")); n != 2 {
		t.Errorf("%d files are mentioned: %s", n, r.logs.tail())
	}
	if err := Check(r.file, Options{Log: new(logLines)}); err != nil {
		t.Errorf("Check says %v", err)
	}
}

// TestPortInUse: Run says so with the key's line, and nothing keeps running.
func TestPortInUse(t *testing.T) {
	first := start(t, setup{guests: map[string]*guest{"a": says("hello")}})
	for key, want := range map[string]string{
		"server.listen": "host.toml:5: server.listen: ",
		"admin.listen":  "host.toml:5: admin.listen: ",
	} {
		r := prepare(t, setup{keys: key + ` = "` + first.addr + `"`, guests: map[string]*guest{"a": says("hello")}})
		r.open()
		err := r.Run(t.Context(), func(string) { t.Error("it listens") })
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "another process has the port") {
			t.Errorf("%s: Run says %v", key, err)
		}
	}
}
