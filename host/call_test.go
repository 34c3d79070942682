package host

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Calls to services of this host: through its routes, without a socket.

// calls makes a call, whose handle is in local 0 after it.
func (g *guest) calls(target, head, body string) []byte {
	return append(g.get("call", target, head, body), wasmtest.LocalSet(0)...)
}

// relay answers as the call in local 0 was answered: its status and its body,
// which is JSON when it is an error.
func (g *guest) relay() []byte {
	const room = 8192
	at := g.place(make([]byte, room))
	return slices.Concat(
		g.do("status", g.get("call_status", wasmtest.LocalGet(0))), g.do("set_header", "content-type", "application/json"),
		wasmtest.Loop(
			g.get("call_body", wasmtest.LocalGet(0), at, room), wasmtest.LocalSet(1),
			g.do("write", at, wasmtest.LocalGet(1)),
			wasmtest.LocalGet(1), wasmtest.BrIf(0)))
}

// relays is a guest whose handlers each make one call and relay it.
func relays(calls map[string]string) *guest {
	g := newGuest()
	for name, head := range calls {
		target, head, _ := strings.Cut(head, " ")
		head, body, _ := strings.Cut(head, "\n\n")
		g.on(name, g.calls(target, head, body), g.relay())
	}
	return g
}

const callKeys = `
	defaults.timeout = "60s"
	plugin.front.calls = ["user"]
	service.user.targets = ["local"]
`

// TestCallLocal: the callee sees the request as if it had come from outside, and
// the caller sees the whole answer.
func TestCallLocal(t *testing.T) {
	user := teller()
	user.on("echo", user.do("status", 201), user.do("add_header", "x-reply", "one"), user.do("add_header", "X-Reply", "two"),
		user.echo("param", "id"), user.do("write", "|"), user.echo("header", "x-extra", 0), user.do("write", "|"),
		user.echo("header", "traceparent", 0), user.do("write", "|"), user.echo("body"))
	front := relays(map[string]string{
		"fields":    "user GET /u/a%2Fb?q=1\n",
		"inherit":   "user POST /echo/7\nX-Extra:  yes \n\nthe body",
		"own_trace": "user POST /echo/8\nX-Extra: no\nTraceParent: mine\n\n",
	})
	front.on("read", front.calls("user", "POST /echo/9\nx-extra: e", "0123456789"),
		front.echo("call_header", wasmtest.LocalGet(0), "X-REPLY", 0), front.echo("call_header", wasmtest.LocalGet(0), "x-reply", 1),
		front.tell(front.get("call_header", wasmtest.LocalGet(0), "x-reply", 2, 0, 0)),
		front.tell(front.get("call_header", wasmtest.LocalGet(0), "content-type", 0, 0, 0)),
		front.tell(front.get("call_body", wasmtest.LocalGet(0), 0, 4)), front.do("write", 0, 4),
		front.tell(front.get("call_body", wasmtest.LocalGet(0), 0, 100)),
		front.tell(front.get("call_body", wasmtest.LocalGet(0), 0, 100)),
		front.do("call_close", wasmtest.LocalGet(0)),
		front.tell(front.get("call_status", wasmtest.LocalGet(0))),
		front.tell(front.get("call_body", wasmtest.LocalGet(0), 0, 1)),
		front.tell(front.get("call_status", -1)), front.do("call_close", 99))
	r := start(t, setup{
		keys:   callKeys,
		guests: map[string]*guest{"front": front, "user": user},
		routes: "* /u/{x} user.request\nPOST /echo/{id} user.echo",
	})
	trace := []string{"X-Request-Id: outer", "Traceparent: " + someParent}
	if a, want := r.ask("GET", "/front/fields", "", trace...), "GET\n/u/a/b\nq=1\n/u/a%2Fb?q=1\nuser\nhttp\n127.0.0.1\nHTTP/1.1\n/u/{x}\nouter\n"; a.body != want {
		t.Errorf("the callee saw %q, want %q", a.body, want)
	}
	if a := r.ask("GET", "/front/inherit", "", trace...); a.status != 201 || a.body != "7|yes|"+someParent+"|the body" {
		t.Errorf("got %d %q", a.status, a.body)
	}
	if a := r.ask("GET", "/front/own_trace", "", trace...); a.status != 201 || a.body != "8|no|mine|" {
		t.Errorf("got %d %q", a.status, a.body)
	}
	a := r.ask("GET", "/front/read", "", trace...)
	body, ok := strings.CutPrefix(a.body, "onetwo")
	if !ok || len(body) != 8*4+4 || body[12:16] != "9|e|" {
		t.Fatalf("got %d %q", a.status, a.body)
	}
	a.body = body[:12] + body[16:]
	if n := fmt.Sprint(a.numbers()); n != fmt.Sprint([]int{-1, -1, 4, len(someParent + "|0123456789"), 0, -2, -2, -2}) {
		t.Errorf("the functions answer %s", n)
	}
}

// TestCallRefused: what cannot be called, and what is no request.
func TestCallRefused(t *testing.T) {
	front := newGuest()
	cases := []struct {
		target, head string
		want         int32
	}{
		{"user", "GET /user/get\n", 0},
		{"user", "GET /user/get", 0},
		{"user", "GET /user/get\nA: b\nC:\n", 0},
		{"other", "GET /\n", -3},
		{"none", "GET /\n", -3},
		{"", "GET /\n", -2},
		{"No Name", "GET /\n", -2},
		{"user ", "GET /\n", -2},
		{"https://example.com", "GET /\n", -3},
		{"http://127.0.0.1:1", "GET /\n", -3},
		{"ftp://example.com", "GET /\n", -3},
		{"user", "", -2},
		{"user", "GET", -2},
		{"user", "GET \n", -2},
		{"user", "GET user\n", -2},
		{"user", "GET http://user/\n", -2},
		{"user", "GET /a b\n", -2},
		{"user", "GET /a\tb\n", -2},
		{"user", "GET /é\n", -2},
		{"user", " /\n", -2},
		{"user", "G(T /\n", -2},
		{"user", "GET /\r\n", -2},
		{"user", "GET /\nA: b\r\n", -2},
		{"user", "GET /\nA\n", -2},
		{"user", "GET /\n: b\n", -2},
		{"user", "GET /\nA : b\n", -2},
		{"user", "GET /\nA: b\n c\n", -2},
		{"user", "GET /\nA: \x00\n", -2},
		{"user", "GET /\n\nA: b\n", -2},
		{"user", "GET /\nA: b\n\nC: d", -2},
		{"user", "GET /\nHost: a\n", -2},
		{"user", "GET /\nContent-Length: 1\n", -2},
		{"user", "GET /\ntransfer-encoding: chunked\n", -2},
		{"user", "GET /\nCONNECTION: close\n", -2},
		{"user", "GET /\nUpgrade: x\n", -2},
		{"user", "GET /\nTE: trailers\n", -2},
		{"user", "GET /\nExpect: 100-continue\n", -2},
		{"user", "GET /\nX-Request-Id: forged\n", -2},
		{"user", "GET /\nA: " + strings.Repeat("b", 64<<10) + "\n", -6},
	}
	var code []byte
	for _, c := range cases {
		code = append(code, front.tell(front.get("call", c.target, c.head, ""))...)
		code = append(code, front.do("call_close", 0)...)
	}
	front.pages = 6
	front.on("all", code)
	var many []byte
	for range 17 {
		many = append(many, front.tell(front.get("call", "user", "GET /user/get\n", ""))...)
	}
	front.on("many", many, front.do("call_close", 5), front.tell(front.get("call", "user", "GET /user/get\n", "")))
	r := start(t, setup{
		keys:   callKeys + "service.other.targets = [\"local\"]\n",
		guests: map[string]*guest{"front": front, "user": says("hello")},
	})
	got := r.get("/front/all").numbers()
	if len(got) != len(cases) {
		t.Fatalf("%d answers to %d calls", len(got), len(cases))
	}
	for i, c := range cases {
		if got[i] != c.want {
			t.Errorf("call(%q, %.60q) is %d, want %d", c.target, c.head, got[i], c.want)
		}
	}
	if n := fmt.Sprint(r.get("/front/many").numbers()); n != "[0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -6 5]" {
		t.Errorf("handles of many calls are %s", n)
	}
}

// TestCallReach: a service reaches the routes of its plugins, and nothing else of
// this host.
func TestCallReach(t *testing.T) {
	user := says("hello").on("crash", wasmtest.Unreachable())
	front := relays(map[string]string{
		"ours": "user GET /user/get", "theirs": "user GET /other/get", "own": "user GET /front/ours",
		"builtin": "user GET /health", "none": "user GET /none", "method": "user POST /only", "options": "user OPTIONS /only",
		"dots": "user GET /user/../other/get", "crash": "user GET /user/crash", "unloaded": "both GET /gone",
		"first": "both GET /user/get", "second": "both GET /other/get", "absolute": "user GET //user/get",
		"large": "user POST /user/get\n\n" + strings.Repeat("x", 1001), "fits": "user POST /user/get\n\n" + strings.Repeat("x", 1000),
	})
	r := start(t, setup{
		keys: `
			server.max_body = 1000
			plugin.front.memory = "1MiB"
			plugin.front.calls = ["user", "both"]
			service.user.targets = ["local"]
			service.both.targets = ["local"]
			service.both.plugins = ["user", "other", "gone"]`,
		guests: map[string]*guest{"front": front, "user": user, "other": says("other")},
		files:  map[string][]byte{"plugins/gone.wasm": []byte("no module")},
		routes: "GET /health @health\nGET /only user.get\nGET /gone gone.get",
	})
	for handler, want := range map[string]struct {
		status int
		body   string
	}{
		"ours": {200, "hello"}, "first": {200, "hello"}, "second": {200, "other"}, "fits": {200, "hello"}, "unloaded": {503, "not loaded"},
		"theirs": {404, "no such route in this service"}, "own": {404, "no such route"}, "builtin": {404, "no such route"},
		"none": {404, "no such route"}, "absolute": {404, "no such route"}, "method": {405, "method"}, "options": {204, ""},
		"dots": {400, "malformed path"}, "crash": {500, "the handler failed"}, "large": {413, "max_body"},
	} {
		a := r.get("/front/" + handler)
		if a.status != want.status || !strings.Contains(a.body, want.body) {
			t.Errorf("%s got %d %q, want %d with %q", handler, a.status, a.body, want.status, want.body)
		}
		if a.status >= 400 && !strings.Contains(a.body, a.header.Get("X-Request-Id")) {
			t.Errorf("%s: the caller is told %q, without the request id %q", handler, a.body, a.header.Get("X-Request-Id"))
		}
	}
	r.logged("handler failed", "plugin", "user", "handler", "crash")
}
