package generation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/call"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
	"github.com/wasmlane/wasmlane/host/internal/upstream"
)

// bench builds generations from a directory.
type bench struct {
	*Builder
	t    *testing.T
	dir  string
	kv   kv.Store
	done map[int64]int // how often a generation was retired, by its number
}

func newBench(t *testing.T) *bench {
	t.Helper()
	var log io.Writer = new(bytes.Buffer)
	logger := slog.New(slog.NewTextHandler(log, nil))
	runtime, err := sandbox.New(t.Context(), sandbox.Options{Imports: Imports(), Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	client := call.New(call.Options{})
	b := &bench{
		Builder: &Builder{
			Runtime: runtime, Client: client, Upstreams: upstream.NewSet(upstream.Options{Client: client}), Budget: new(exchange.Budget), Log: logger, GuestLog: logger,
			Builtins: map[string]Builtin{"health": func(*exchange.Exchange) {}},
		},
		t: t, dir: t.TempDir(), kv: kv.NewMemory(), done: map[int64]int{},
	}
	t.Cleanup(func() { client.Close(); runtime.Close(); _ = b.kv.Close() })
	return b
}

// put writes a plugin.
func (b *bench) put(name string, m *wasmtest.Module) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Join(b.dir, "plugins"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "plugins", name+".wasm"), m.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// build makes a generation; the test releases it.
func (b *bench) build(toml string, previous *Generation) (*Generation, *Problems) {
	b.t.Helper()
	cfg, errs := config.Parse(filepath.Join(b.dir, "host.toml"), []byte(toml))
	if len(errs) > 0 {
		b.t.Fatal(errs)
	}
	var g *Generation
	g, problems := b.Build(b.t.Context(), cfg, b.kv, previous, func() { b.done[g.Number]++ })
	return g, problems
}

// module is a plugin with handlers that do nothing.
func module(handlers ...string) *wasmtest.Module {
	m := wasmtest.New().Memory(1, 1)
	for _, h := range handlers {
		m.Handler(h)
	}
	return m
}

// importing is a plugin that imports functions of the abi.
func importing(names ...string) *wasmtest.Module {
	m := wasmtest.New()
	for _, name := range names {
		f, _ := abi.Lookup(name)
		var params, results wasmtest.Type
		for _, p := range f.Params {
			params = append(params, byte(p.Type))
		}
		if f.Result != 0 {
			results = wasmtest.Type{byte(f.Result)}
		}
		m.Import(abi.Module, name, params, results)
	}
	m.Memory(1, 1).Handler("get")
	return m
}

// TestCarriedPlugin: a plugin of two generations lives until the later of the two
// is retired, whichever that is.
func TestCarriedPlugin(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		b := newBench(t)
		b.put("same", module("get"))
		b.put("changes", module("get"))
		first, _ := b.build("", nil)
		same, old := first.plugins["same"], first.plugins["changes"]
		b.put("changes", module("get", "more"))
		second, problems := b.build("", first)
		if problems.Any() {
			t.Fatal(problems.All())
		}
		if second.Number != 2 || second.plugins["same"] != same || second.plugins["changes"] == old {
			t.Fatalf("generation %d took over %v", second.Number, second.plugins)
		}
		closed := func(p *Plugin) bool {
			i, err := p.pool.Get(t.Context(), time.Time{}, false)
			if err == nil {
				p.pool.Put(i, sandbox.Clean)
			}
			return errors.Is(err, sandbox.ErrClosed)
		}
		both := []*Generation{first, second}
		both[order[0]].Release()
		if closed(same) {
			t.Error("the shared plugin is closed while a generation has it")
		}
		if b.done[both[order[0]].Number] != 1 || b.done[both[order[1]].Number] != 0 {
			t.Errorf("retired are %v", b.done)
		}
		if gone := closed(old); gone != (order[0] == 0) {
			t.Errorf("the plugin of the first generation alone is closed: %v", gone)
		}
		both[order[1]].Release()
		if !closed(same) || !closed(second.plugins["changes"]) || !closed(old) {
			t.Error("a plugin of retired generations is not closed")
		}
		if b.done[1] != 1 || b.done[2] != 1 {
			t.Errorf("retired are %v", b.done)
		}
	}
}

// TestFailedPluginIsTriedAgain: an error is not carried over.
func TestFailedPluginIsTriedAgain(t *testing.T) {
	b := newBench(t)
	b.put("a", importing("kv_get"))
	first, problems := b.build("", nil)
	defer first.Release()
	if len(problems.Plugins) != 1 || first.plugins["a"].Err() == nil || first.plugins["a"].Info() != nil {
		t.Fatalf("the problems are %v", problems.All())
	}
	second, problems := b.build("plugin.a.store = \"a\"", first)
	defer second.Release()
	if problems.Any() || second.plugins["a"].Err() != nil {
		t.Errorf("the problems are %v", problems.All())
	}
}

// TestPlugins: all are found, in whatever place they are named, and sorted.
func TestPlugins(t *testing.T) {
	b := newBench(t)
	b.put("b", module("get"))
	b.put("a", module("get"))
	g, problems := b.build("[plugin.c]\n[[route]]\npath = \"/d\"\nhandler = \"d.get\"\n[[route]]\npath = \"/a\"\nhandler = \"a.get\"", nil)
	defer g.Release()
	var names []string
	for _, p := range g.Plugins() {
		names = append(names, fmt.Sprintf("%s %v", p.Name, p.Err() == nil))
	}
	if got := strings.Join(names, ", "); got != "a true, b true, c false, d false" {
		t.Errorf("the plugins are %s", got)
	}
	if n := len(problems.Plugins); n != 2 || len(problems.Config) != 0 {
		t.Errorf("the problems are %v", problems.All())
	}
	if routes := g.Routes(); len(routes) != 2 || routes[0].Err() == nil || routes[1].Err() != nil {
		t.Errorf("the routes are %+v", routes)
	}
}

// TestProblems: each says where it is and what to do.
func TestProblems(t *testing.T) {
	typed := module("get", "get_all")
	typed.Export("with_result", wasmtest.KindFunc, typed.Func(nil, wasmtest.Type{wasmtest.I32}, nil, wasmtest.I32Const(1)))
	bare := wasmtest.New().Memory(1, 1)
	route := func(handler string) string { return "[[route]]\npath = \"/x\"\nhandler = \"" + handler + "\"\n" }
	for name, c := range map[string]struct {
		plugin *wasmtest.Module // plugins/a.wasm
		toml   string
		want   []string // in the one problem
	}{
		"store":              {importing("write", "kv_get", "kv_set"), "", []string{"host.toml: plugin.a: ", "a.wasm imports kv_get, kv_set, which is not granted", `add [plugin.a] with store = "a"`}},
		"store, section":     {importing("kv_get"), "\n[plugin.a]", []string{"host.toml:2: plugin.a: ", `add here: store = "a"`}},
		"calls":              {importing("call", "call_body"), "", []string{"imports call, call_body", `calls = ["SERVICE"]`, `outbound = ["https://HOST"]`}},
		"both":               {importing("call", "kv_list"), "", []string{"imports kv_list, call", `store = "a" and calls = `}},
		"outbound is enough": {importing("call"), "plugin.a.outbound = [\"https://example.com\"]", nil},
		"near handler":       {typed, route("a.getall"), []string{"host.toml:3: route.handler: ", `a.wasm has no handler "getall"; it exports get, get_all; did you mean "a.get_all"?`}},
		"far handler":        {typed, route("a.delete"), []string{`a.wasm has no handler "delete"; it exports get, get_all`}},
		"other type":         {typed, route("a.with_result"), []string{`exports "with_result" as `, "i32", "a handler takes and returns nothing"}},
		"no handlers":        {bare, route("a.get"), []string{"it exports no handler"}},
		"near plugin":        {typed, route("acount.get"), []string{"host.toml:3: route.handler: ", "acount.wasm", `did you mean "account"?`}},
		"unknown builtin":    {typed, route("@ready"), []string{"@ready is not available here"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put("a", c.plugin)
			b.put("account", module("get"))
			g, problems := b.build(c.toml, nil)
			defer g.Release()
			all := problems.All()
			if len(all) != min(len(c.want), 1) {
				t.Fatalf("the problems are %v", all)
			}
			for _, want := range c.want {
				if !strings.Contains(all[0].Error(), want) {
					t.Errorf("the problem is %q, want %q", all[0], want)
				}
			}
		})
	}
}

// TestConflict names the lines of both headers and what each route serves.
func TestConflict(t *testing.T) {
	for name, c := range map[string]struct{ first, second, want string }{
		"same":        {"GET /x/{a}", "GET /x/{b}", `host.toml:5: route: GET "/x/{b}" is the same as GET "/x/{a}" at line 1`},
		"any method":  {"* /x", "* /x", `host.toml:4: route: any method "/x" is the same as any method "/x" at line 1`},
		"one and any": {"GET /x", "* /x", ""},
		"others":      {"GET /x", "POST /x", ""},
		"static":      {"GET /x/{a}", "GET /x/b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put("a", module("get"))
			var toml string
			for _, r := range []string{c.first, c.second} {
				method, path, _ := strings.Cut(r, " ")
				toml += "[[route]]\npath = \"" + path + "\"\nhandler = \"a.get\"\n"
				if method != "*" {
					toml += "method = \"" + method + "\"\n"
				}
			}
			g, problems := b.build(toml, nil)
			defer g.Release()
			all := problems.All()
			if (c.want == "") != (len(all) == 0) || (c.want != "" && !strings.Contains(all[0].Error(), c.want)) {
				t.Errorf("the problems are %v, want %q", all, c.want)
			}
		})
	}
}

// TestImportsAreTheABI: a guest can import what the abi lists, and nothing of it
// is missing behind.
func TestImportsAreTheABI(t *testing.T) {
	have := map[string]sandbox.Import{}
	for _, i := range Imports() {
		if i.Call == nil {
			t.Errorf("%s.%s does nothing", i.Module, i.Name)
		}
		have[i.Module+"."+i.Name] = i
	}
	behind := exchange.Imports()
	for _, f := range abi.Functions() {
		i, ok := have[abi.Module+"."+f.Name]
		if !ok || len(i.Params) != len(f.Params) || i.Result != f.Result || behind[f.Name] == nil {
			t.Errorf("%s is offered as %+v", f.Name, i)
		}
	}
	if len(behind) != len(abi.Functions()) {
		t.Errorf("%d functions stand behind the %d of the abi", len(behind), len(abi.Functions()))
	}
}
