package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Reloads: what a change changes, what stays, and what refuses to change.

// TestReloadCarriesOver: a plugin whose bytes and settings are the same goes on as
// it is, pool and all. Each other change is named in the log.
func TestReloadCarriesOver(t *testing.T) {
	base := func() setup {
		return setup{
			keys:   "plugin.a.config.k = \"1\"\nplugin.b.memory = \"1MiB\"",
			guests: map[string]*guest{"a": says("a1"), "b": says("b1"), "c": says("c1")},
		}
	}
	for name, c := range map[string]struct {
		change  func(*setup)
		fresh   []string // plugins that are loaded anew
		changed string   // in the log
	}{
		"nothing":        {func(*setup) {}, nil, "no plugin"},
		"another file":   {func(s *setup) { s.files = map[string][]byte{"plugins/notes.txt": nil} }, nil, "no plugin"},
		"bytes":          {func(s *setup) { s.guests["b"] = says("b2") }, []string{"b"}, "plugin b"},
		"settings":       {func(s *setup) { s.keys = strings.Replace(s.keys, "1MiB", "2MiB", 1) }, []string{"b"}, "plugin b (settings)"},
		"config":         {func(s *setup) { s.keys = strings.Replace(s.keys, `"1"`, `"2"`, 1) }, []string{"a"}, "plugin a (settings)"},
		"lines":          {func(s *setup) { s.keys = "# moved\n\n" + s.keys }, nil, "no plugin"},
		"defaults":       {func(s *setup) { s.keys += "\ndefaults.timeout = \"5s\"" }, []string{"a", "b", "c"}, "plugin a (settings), plugin b (settings), plugin c (settings)"},
		"max_response":   {func(s *setup) { s.keys += "\nserver.max_response = \"1MiB\"" }, []string{"a", "b", "c"}, "settings"},
		"other settings": {func(s *setup) { s.keys += "\nserver.max_body = \"1MiB\"" }, nil, "no plugin"},
		"added":          {func(s *setup) { s.guests["d"] = says("d1") }, []string{"d"}, "plugin d added"},
		"removed":        {func(s *setup) { delete(s.guests, "c") }, nil, "plugin c removed"},
		"both":           {func(s *setup) { delete(s.guests, "c"); s.guests["a"] = says("a2") }, []string{"a"}, "plugin a, plugin c removed, routes 3 to 2"},
		"routes":         {func(s *setup) { s.routes = "GET /more a.get" }, nil, "routes 3 to 4"},
	} {
		t.Run(name, func(t *testing.T) {
			r := embed(t, base())
			for range 3 {
				for _, p := range []string{"a", "b", "c"} {
					r.get("/" + p + "/get")
				}
			}
			before := loaded(r.Host)
			s := base()
			c.change(&s)
			r.update(s)
			r.reload()
			if n := r.Generation(); n != 2 {
				t.Errorf("the generation is %d", n)
			}
			entry := r.logged("reloaded", "generation", "2")
			if got := entry.text("changed"); !strings.Contains(got, c.changed) || (c.changed == "no plugin" && got != c.changed) {
				t.Errorf("the log says %q, want %q", got, c.changed)
			}
			for name, p := range loaded(r.Host) {
				if fresh := slices.Contains(c.fresh, name); (p == before[name]) == fresh {
					t.Errorf("plugin %s: loaded anew should be %v", name, fresh)
				}
			}
			for plugin := range s.guests {
				want := plugin + "1"
				if slices.Contains(c.fresh, plugin) && (name == "bytes" || name == "both") {
					want = plugin + "2"
				}
				if a := r.get("/" + plugin + "/get"); a.body != want {
					t.Errorf("plugin %s answers %v, want %q", plugin, a, want)
				}
			}
			if s.guests["c"] == nil {
				r.refused(r.get("/c/get"), 404, "no such route")
			}
		})
	}
}

// TestReloadRefused: with any error nothing changes, every error is reported with
// its line, and the next reload takes up what was corrected.
func TestReloadRefused(t *testing.T) {
	traps := says("new").on("wasmlane_init", wasmtest.Unreachable())
	for name, c := range map[string]struct {
		keys, routes string
		bad          []byte // instead of b.wasm
		want         []string
	}{
		"syntax":         {keys: `server.max_body = `, want: []string{"host.toml:6: "}},
		"unknown key":    {keys: `server.max_boddy = 1`, want: []string{`host.toml:6: server.max_boddy: unknown key; did you mean "max_body"?`}},
		"several":        {keys: "server.max_boddy = 1\ndefaults.timeout = \"soon\"\nlog.level = \"loud\"", want: []string{"host.toml:5: server.max_boddy", "host.toml:6: defaults.timeout", "host.toml:7: log.level"}},
		"conflict":       {routes: "GET /x/{a} a.get\nGET /x/{b} a.get", want: []string{"host.toml:15: route: ", "at line 10"}},
		"bad pattern":    {routes: "GET /x/{a a.get", want: []string{"host.toml:11: route.path"}},
		"no handler":     {routes: "GET /x a.gett", want: []string{"host.toml:12: route.handler: ", `did you mean "a.get"?`}},
		"no plugin":      {routes: "GET /x other.get", want: []string{"other.wasm"}},
		"no such store":  {keys: "plugin.b.timeout = \"1s\"\nstore.backend = \"redis\"\nstore.url = \"rediss://127.0.0.1:1/0?ca=host.toml\"", want: []string{"store.url", "host.toml of ?ca has no certificate"}},
		"store and more": {keys: "store.backend = \"embedded\"\nstore.path = \"plugins/b.wasm/x.db\"\n", bad: []byte("\x00asm"), want: []string{"store.path", "b.wasm: truncated"}},
		"no directory":   {keys: `plugin_dir = "elsewhere"`, want: []string{"host.toml:6: plugin_dir: "}},
		"no certificate": {keys: "server.tls_cert = \"no.pem\"\nserver.tls_key = \"no.key\"", want: []string{"host.toml:6: server.tls_cert: "}},
		"garbage":        {bad: []byte("garbage"), want: []string{"b.wasm: not a WebAssembly module"}},
		"truncated":      {bad: says("new").bytes()[:70], want: []string{"b.wasm: truncated"}},
		"no grant":       {bad: gated().bytes(), want: []string{"kv_get", `store = "b"`}},
		"init traps":     {bad: traps.bytes(), want: []string{"b.wasm: wasmlane_init failed: unreachable"}},
		"gone":           {bad: []byte{}, keys: `plugin.b.sha256 = "` + strings.Repeat("0", 64) + `"`, want: []string{"b.wasm"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := embed(t, setup{guests: map[string]*guest{"a": says("old"), "b": says("old")}})
			before := r.Plugins()

			// a is well and would change.
			s := setup{keys: c.keys, routes: c.routes, guests: map[string]*guest{"a": says("new")}, files: map[string][]byte{"plugins/b.wasm": says("new").bytes()}}
			if c.bad != nil {
				s.files["plugins/b.wasm"] = c.bad
			}
			r.update(s)
			err := r.Reload()
			if err == nil {
				t.Fatal("the reload succeeded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q", err, want)
				}
			}
			if lines := strings.Split(err.Error(), "\n"); name == "several" && len(lines) != 3 {
				t.Errorf("the error has %d lines: %q", len(lines), err)
			}
			for _, problem := range strings.Split(err.Error(), "\n") {
				r.logged(problem, "level", "ERROR")
			}
			r.logged("reload failed; nothing was changed", "generation", "1")
			for _, plugin := range []string{"a", "b"} {
				if a := r.get("/" + plugin + "/get"); a.body != "old" {
					t.Errorf("plugin %s answers %v", plugin, a)
				}
			}
			if n := r.Generation(); n != 1 {
				t.Errorf("the generation is %d", n)
			}
			for i, p := range r.Plugins() {
				if p.SHA256 != before[i].SHA256 || p.Error != "" {
					t.Errorf("plugin %s was %+v and is %+v", p.Name, before[i], p)
				}
			}
			// Check says the same of the file, but for the store that it does not open.
			checked := Check(r.file, Options{Log: new(logLines)})
			if checked == nil || (name != "store and more" && checked.Error() != err.Error()) {
				t.Errorf("Check says\n%v\nand Reload says\n%v", checked, err)
			}

			r.update(setup{guests: map[string]*guest{"a": says("new"), "b": says("new")}})
			r.reload()
			for _, plugin := range []string{"a", "b"} {
				if a := r.get("/" + plugin + "/get"); a.body != "new" {
					t.Errorf("after a correction plugin %s answers %v", plugin, a)
				}
			}
		})
	}
}

// TestReloadWithoutFile: host.toml itself may be missing for a moment.
func TestReloadWithoutFile(t *testing.T) {
	r := embed(t, setup{guests: map[string]*guest{"a": says("old")}})
	aside := filepath.Join(r.dir, "aside")
	if err := os.Rename(r.file, aside); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
	if a := r.get("/a/get"); a.body != "old" {
		t.Errorf("got %v", a)
	}
	if err := os.Rename(aside, r.file); err != nil {
		t.Fatal(err)
	}
	r.reload()
}

// TestReloadWarnsOfRestart: what only a new process can take up is named, as long
// as it differs, and the rest takes effect.
func TestReloadWarnsOfRestart(t *testing.T) {
	r := embed(t, setup{guests: map[string]*guest{"a": says("old")}})
	s := setup{
		keys:   "server.listen = \"127.0.0.1:1\"\nserver.backlog = 7\nadmin.listen = \"127.0.0.1:2\"\nserver.max_body = 10\ncache_dir = \"other\"",
		guests: map[string]*guest{"a": says("new")},
	}
	r.update(s)
	for range 2 {
		r.reload()
		entry := r.logged("these settings take effect at the next start", "level", "WARN")
		if got, want := entry.text("keys"), "cache_dir, server.listen, server.backlog, admin.listen"; got != want {
			t.Errorf("the keys are %q, want %q", got, want)
		}
		r.refused(r.ask("POST", "/a/get", strings.Repeat("x", 11)), 413, "max_body")
		if a := r.get("/a/get"); a.body != "new" {
			t.Errorf("got %v", a)
		}
	}
	r.update(setup{guests: map[string]*guest{"a": says("new")}})
	warned := len(r.logs.all("these settings"))
	r.reload()
	if n := len(r.logs.all("these settings")); n != warned {
		t.Errorf("warned although nothing differs any more: %s", r.logs.tail())
	}
	if got := fmt.Sprint(warned); got != "2" {
		t.Errorf("warned %s times", got)
	}
}

// loaded returns the plugins of the current generation.
func loaded(h *Host) map[string]*generation.Plugin {
	g := h.current.Acquire()
	defer g.Release()
	plugins := map[string]*generation.Plugin{}
	for _, p := range g.Plugins() {
		plugins[p.Name] = p
	}
	return plugins
}
