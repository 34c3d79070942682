package host

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// WASI commands that no compiler makes, and what host.toml says of commands.

// print writes texts to standard output, all with one fd_write.
func (g *guest) print(texts ...string) []byte {
	var vectors []byte
	for _, text := range texts {
		vectors = binary.LittleEndian.AppendUint32(vectors, uint32(g.place([]byte(text))))
		vectors = binary.LittleEndian.AppendUint32(vectors, uint32(len(text)))
	}
	return g.do("fd_write", 1, g.place(vectors), len(texts), g.place(make([]byte, 4)))
}

// prints is a command with one output.
func prints(texts ...string) *guest {
	g := newGuest()
	return g.on("_start", g.print(texts...))
}

// TestCommandInConfig: how commands are mounted and what is said when not so.
func TestCommandInConfig(t *testing.T) {
	both := prints("A: b\n\n")
	both.on("_initialize").on("get", both.do("write", "from get"))
	guests := map[string]*guest{"app": prints("A: b\n\n"), "plug": says("hello"), "both": both}
	for name, c := range map[string]struct{ keys, routes, want string }{
		"mounted":              {routes: "GET /x app.@cgi"},
		"idle":                 {},
		"both":                 {routes: "GET /x both.@cgi"},
		"config":               {keys: `plugin.app.config.DB_NAME = "x"`},
		"isolation of others":  {keys: `defaults.isolation = "instance"`},
		"handler of a command": {routes: "GET /x app.get", want: `host.toml:15: route.handler: plugins/app.wasm is a WASI command and exports no handler; write "app.@cgi", which runs it from start to end for each request`},
		"plugin as a command":  {routes: "GET /x plug.@cgi", want: `host.toml:15: route.handler: plugins/plug.wasm is no WASI command, it exports no _start; write "plug.get"`},
		"isolation":            {keys: `plugin.app.isolation = "instance"`, want: `host.toml:6: plugin.app.isolation: plugins/app.wasm is a WASI command, which starts anew for each request; remove the key`},
		"name of a variable":   {keys: `plugin.app.config.db-name = "x"`, want: `plugin.app.config.db-name: plugins/app.wasm is a WASI command, which finds its config in the environment, and "db-name" is no name of a variable`},
		"variable of CGI":      {keys: `plugin.app.config.REMOTE_USER = "x"`, want: `"REMOTE_USER" is a variable that tells of the request; give it another name`},
		"header":               {keys: `plugin.app.config.HTTP_PROXY = "x"`, want: `"HTTP_PROXY" is a variable that tells of the request; give it another name`},
		"zero byte":            {keys: `plugin.app.config.A = "x\u0000y"`, want: `"A" holds a zero byte`},
	} {
		t.Run(name, func(t *testing.T) {
			r := prepare(t, setup{keys: c.keys, guests: guests, routes: c.routes})
			err := Check(r.file, Options{Log: r.logs})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v", err)
			case c.want != "" && (err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), r.dir+"/", ""), c.want)):
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestCommandIdle: without a route a command is loaded and listed.
func TestCommandIdle(t *testing.T) {
	r := start(t, setup{keys: `defaults.isolation = "instance"`, guests: map[string]*guest{"app": prints()}})
	p := r.plugin("app")
	if p.Error != "" || !p.Command || len(p.Handlers) != 0 || len(p.Routes) != 0 || p.Isolation != "request" {
		t.Errorf("got %+v", p)
	}
	m, err := Inspect(r.dir + "/plugins/app.wasm")
	if err != nil || !m.Command || m.Refused != "" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestAssembledCommands(t *testing.T) {
	vectors := prints("Content-", "", "Type: text/plain\r", "\n\r\n", "a body", "", " in pieces")
	twice := newGuest()
	twice.on("_start", twice.print("Status: 201\n"), twice.print("\n"), twice.print("one"), twice.print(" two"))
	mixed := newGuest()
	mixed.on("_start", mixed.print("A: b\n\n"), mixed.do("write", "body"))
	headers := newGuest()
	headers.on("_start", headers.do("set_header", "a", "b"))
	flushes := newGuest()
	flushes.on("_start", flushes.print("A: b\n\n"), flushes.do("flush"))
	both := newGuest()
	cell := both.place(make([]byte, 8))
	both.on("_initialize", store(cell, wasmtest.I32Const(7)), both.print("initialised\n"))
	both.on("get", both.tell(load(cell)))
	both.on("exits", both.do("write", "x"), both.do("proc_exit", 0))
	both.on("_start", both.print("A: b\n\ncommand"))
	stored := newGuest()
	stored.on("_start", stored.kvSet("k", "v"), stored.print("A: b\n\n"))
	endless := newGuest()
	endless.on("_start", endless.print("A: b\n\n"), wasmtest.Loop(endless.print(strings.Repeat("x", 60_000)), wasmtest.Br(0)))
	tables := newGuest()
	tables.module.Table(1, 2)
	counter := tables.place(make([]byte, 8))
	tables.on("_start",
		store(counter, append(load(counter), append(wasmtest.I32Const('1'), i32Add)...)),
		wasmtest.I32Const(0), []byte{0xd0, wasmtest.Funcref}, []byte{0x26, 0}, // table.set
		tables.print("A: b\n\n"), tables.do("fd_write", 1, tables.place(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(counter)), 1)), 1, tables.place(make([]byte, 4))))

	guests := map[string]*guest{"vectors": vectors, "twice": twice, "mixed": mixed, "headers": headers, "flushes": flushes,
		"both": both, "stored": stored, "endless": endless, "tables": tables}
	routes := "GET /b/{id} both.@cgi\n"
	for name := range guests {
		routes += "GET /" + name + " " + name + ".@cgi\n"
	}
	caller := newGuest()
	caller.on("get", caller.calls("b", "GET /b/1\n", ""), caller.relay())
	guests["caller"] = caller
	r := start(t, setup{
		keys: `
			server.max_response = "1MiB"
			plugin.stored.store = "s"
			plugin.caller.calls = ["b"]
			service.b.targets = ["local"]
			service.b.plugins = ["both"]`,
		guests: guests, routes: routes,
	})
	for path, want := range map[string]string{
		"/vectors": "a body in pieces", "/twice": "one two", "/both": "command", "/both/get": "\x07\x00\x00\x00",
		"/stored": "", "/caller/get": "command",
	} {
		for range 2 {
			if a := r.get(path); a.status/100 != 2 || a.body != want {
				t.Errorf("%s: %v, want %q; the log:\n%s", path, a, want, r.logs.tail())
			}
		}
	}
	if !r.has("s", "k") {
		t.Error("a command cannot use the store")
	}
	for range 3 { // a new instance each time
		if a := r.get("/tables"); a.body != "1" {
			t.Errorf("a command that cannot be reset: %v", a)
		}
	}
	r.refused(r.get("/endless"), 500, "the response is too large")
	r.refused(r.get("/both/exits"), 500, "the handler failed") // a handler has to return
	for _, path := range []string{"/mixed", "/headers", "/flushes"} {
		id := r.refused(r.get(path), 500, "the handler failed")
		if reason := r.reason(id); !strings.Contains(reason, "a WASI command answers on standard output") {
			t.Errorf("%s: the log says %q", path, reason)
		}
	}
}

func TestInvokeCommand(t *testing.T) {
	r := prepare(t, setup{files: map[string][]byte{"plugins/app.wasm": goCommand(t)}, keys: `plugin.app.memory = "24MiB"`})
	a, err := Invoke(r.file, Invocation{Handler: "app.@cgi", Path: "/env?x", Params: map[string]string{"id": "7"}}, false, Options{Log: r.logs})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"app", "PATH_INFO=/env", "SCRIPT_NAME=", "QUERY_STRING=x", "PARAM_ID=7", "SERVER_NAME=localhost", "SERVER_PORT=80"} {
		if a.Status != 200 || !strings.Contains("\n"+string(a.Body), "\n"+line+"\n") {
			t.Errorf("got %d %q, want %s in it", a.Status, a.Body, line)
		}
	}
	if _, err := Invoke(r.file, Invocation{Handler: "app.get"}, false, Options{Log: r.logs}); err == nil || !strings.Contains(err.Error(), `write "app.@cgi"`) {
		t.Errorf("got %v", err)
	}
	if err := ParseHandler("app.@cgi"); err != nil {
		t.Error(err)
	}
}

// TestHTTPHandler: net/http/cgi of Go's standard library works.
func TestHTTPHandler(t *testing.T) {
	wasm := compileCommand(t, []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS="}, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "OUT", "./testdata/httpcgi")
	r := start(t, setup{keys: "plugin.app.timeout = \"20s\"", routes: "* /app/{rest...} app.@cgi", files: map[string][]byte{"plugins/app.wasm": wasm}})
	a := r.ask("POST", "/app/users/7?a=1", "b=2", "Content-Type: application/x-www-form-urlencoded", "X-A: x")
	if want := "7 1 2 " + r.addr + " x"; a.status != 201 || a.body != want || a.header.Get("Set-Cookie") != "seen=yes" {
		t.Errorf("got %v, want %q", a, want)
	}
	if a := r.get("/app/none"); a.status != 404 {
		t.Errorf("another path: %v", a)
	}
}
