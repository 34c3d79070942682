package exchange

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// guest is memory and an exchange to call imports with.
type guest struct {
	t    *testing.T
	x    *Exchange
	mem  []byte
	logs *bytes.Buffer
	resp fasthttp.Response
}

// echo answers calls with what was sent.
type echo struct{ code abi.Code }

func (e echo) Call(_ *Exchange, target []byte, r *CallRequest, resp *fasthttp.Response) abi.Code {
	if e.code != 0 {
		return e.code
	}
	resp.SetStatusCode(201)
	for _, f := range r.Head.fields {
		resp.Header.AddBytesKV(append([]byte("got-"), f.name...), f.value)
	}
	resp.SetBodyString(string(target) + " " + string(r.Method) + " " + string(r.Target) + " " + string(r.Body))
	return 0
}

func newGuest(t *testing.T, head, body string) *guest {
	g := &guest{t: t, x: Acquire(), mem: make([]byte, 64<<10), logs: new(bytes.Buffer)}
	t.Cleanup(g.x.Release)
	if err := g.x.BeginText(&g.resp, []byte(head), []byte(body)); err != nil {
		t.Fatal(err)
	}
	g.x.StartTrace(nil)
	g.x.Plugin = testPlugin(g.logs)
	g.x.Handler, g.x.Route = "get_user", "/users/{id}"
	g.x.Params = pairs{"id": "7"}
	g.x.Caller = echo{}
	return g
}

func testPlugin(w io.Writer) *Plugin {
	return &Plugin{
		Name:        "user",
		Config:      map[string]string{"greeting": "hello"},
		Keyspace:    kv.NewMemory().Keyspace("users"),
		Log:         slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
		MaxResponse: 1 << 10,
	}
}

type pairs map[string]string

func (p pairs) Get(name []byte) ([]byte, bool) {
	v, ok := p[string(name)]
	return []byte(v), ok
}

func (p pairs) Len() int           { return len(p) }
func (p pairs) Name(i int) string  { return slices.Sorted(maps.Keys(p))[i] }
func (p pairs) Value(i int) []byte { return []byte(p[p.Name(i)]) }

// call runs an import. A string argument is put into memory and becomes pointer
// and length; the buffer for a result is 1000 bytes at 60 000.
func (g *guest) call(name string, args ...any) (result int64, value string) {
	g.t.Helper()
	stack := make([]uint64, 1, 16)[:0]
	at := 0
	for _, a := range args {
		switch a := a.(type) {
		case string:
			copy(g.mem[at:], a)
			stack = append(stack, uint64(at), uint64(len(a)))
			at += len(a) + 8
		case int:
			stack = append(stack, uint64(a))
		}
	}
	f, _ := abi.Lookup(name)
	if n := len(f.Params); n > 0 && f.Params[n-1].Name == "cap" {
		stack = append(stack, 60_000, 1000)
	}
	if len(stack) != len(f.Params) {
		g.t.Fatalf("%s takes %d arguments, got %d", name, len(f.Params), len(stack))
	}
	stack = append(stack, 0)
	Imports()[name](g.x, g.mem, stack)
	if f.Result == abi.I64 {
		return int64(stack[0]), ""
	}
	n := int64(int32(stack[0]))
	if n >= 0 && n <= 1000 {
		value = string(g.mem[60_000 : 60_000+n])
	}
	return n, value
}

// misuse runs a call that must end the guest, and returns why.
func (g *guest) misuse(name string, args ...any) (why string) {
	g.t.Helper()
	defer func() {
		m, ok := recover().(*Misuse)
		if !ok {
			g.t.Errorf("%s%v did not end the guest", name, args)
			return
		}
		why = m.Error()
	}()
	g.call(name, args...)
	return ""
}

func TestImportsMatchTheABI(t *testing.T) {
	var want []string
	for _, f := range abi.Functions() {
		want = append(want, f.Name)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(Imports())); !slices.Equal(got, want) {
		t.Errorf("imports %v, the abi has %v", got, want)
	}
}

const exampleHead = "POST /users/7%2F8?a=1&a=x+y HTTP/1.1\nHost: example.com\nX-Request-Id: req-1\nAccept: one\naccept: two\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"

func TestRequestImports(t *testing.T) {
	g := newGuest(t, exampleHead, "hello body")
	fields := map[abi.Field]string{
		abi.FieldMethod: "POST", abi.FieldPath: "/users/7/8", abi.FieldQuery: "a=1&a=x+y",
		abi.FieldTarget: "/users/7%2F8?a=1&a=x+y", abi.FieldHost: "example.com", abi.FieldScheme: "http",
		abi.FieldRemoteAddr: "", abi.FieldProtocol: "HTTP/1.1", abi.FieldRoute: "/users/{id}", abi.FieldRequestID: "req-1",
	}
	for field, want := range fields {
		if n, got := g.call("request", int(field)); got != want || n != int64(len(want)) {
			t.Errorf("request(%d) = %d %q, want %q", field, n, got, want)
		}
	}
	for _, c := range []struct {
		name  string
		args  []any
		n     int64
		value string
	}{
		{"request", []any{10}, -2, ""},
		{"request", []any{1 << 31}, -2, ""},
		{"param", []any{"id"}, 1, "7"},
		{"param", []any{"nope"}, -1, ""},
		{"query", []any{"a", 1}, 3, "x y"},
		{"query", []any{"a", 2}, -1, ""},
		{"header", []any{"ACCEPT", 1}, 3, "two"},
		{"header", []any{"accept", 2}, -1, ""},
		{"header_name", []any{2}, 6, "accept"},
		{"header_name", []any{4}, -1, ""},
		{"body_size", nil, 10, ""},
		{"config", []any{"greeting"}, 5, "hello"},
		{"config", []any{"other"}, -1, ""},
	} {
		if n, got := g.call(c.name, c.args...); n != c.n || (n >= 0 && got != c.value) {
			t.Errorf("%s%v = %d %q, want %d %q", c.name, c.args, n, got, c.n, c.value)
		}
	}
	if n, got := g.call("body"); n != 10 || got != "hello body" {
		t.Errorf("body = %d %q", n, got)
	}
	if n, _ := g.call("body"); n != 0 {
		t.Errorf("body at its end = %d", n)
	}
}

// A value longer than the buffer is announced and not written.
func TestSmallBuffer(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	stack := []uint64{uint64(abi.FieldHost), 100, 10}
	request(g.x, g.mem, stack)
	if stack[0] != 11 || !bytes.Equal(g.mem[100:111], make([]byte, 11)) {
		t.Errorf("result %d, memory %q", stack[0], g.mem[100:111])
	}
}

func TestResponseImports(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	g.call("status", 201)
	for _, c := range []struct {
		function, name, value string
		want                  int64
	}{
		{"set_header", "X-One", "a", 0},
		{"set_header", "x-one", "b", 0},
		{"add_header", "X-One", "c", 0},
		{"set_header", "Content-Type", "text/x", 0},
		{"add_header", "Set-Cookie", "a=1; Path=/", 0},
		{"add_header", "Set-Cookie", "a=2; Path=/x", 0},
		{"set_header", "X-Utf8", "ö", 0},
		{"set_header", "bad name", "x", -2},
		{"set_header", "", "x", -2},
		{"set_header", "X-Two", "a\r\nSet-Cookie: evil", -2},
		{"set_header", "X-Two", "a\x00", -2},
		{"add_header", "CONTENT-LENGTH", "1", -2},
		{"set_header", "transfer-encoding", "chunked", -2},
		{"set_header", "Connection", "close", -2},
		{"set_header", "Date", "x", -2},
		{"set_header", "Server", "x", -2},
		{"add_header", "Trailer", "x", -2},
		{"set_header", "X-Big", strings.Repeat("x", 40_000), 0},
		{"set_header", "X-Big", strings.Repeat("x", 40_000), -6},
	} {
		if n, _ := g.call(c.function, c.name, c.value); n != c.want {
			t.Errorf("%s(%q, %.20q) = %d, want %d", c.function, c.name, c.value, n, c.want)
		}
	}
	if n, _ := g.call("write", "hello "); n != 0 {
		t.Errorf("write = %d", n)
	}
	if n, _ := g.call("flush"); n != 0 { // buffered: there is nothing to stream to
		t.Errorf("flush = %d", n)
	}
	g.call("write", "world")
	if n, _ := g.call("write", strings.Repeat("x", 1014)); n != int64(abi.TooLarge) || !g.x.Overflowed() {
		t.Errorf("write past max_response = %d, overflowed %v", n, g.x.Overflowed())
	}
	resp := g.resp.String()
	for _, line := range []string{"HTTP/1.1 201 ", "X-One: b\r\n", "X-One: c\r\n", "Content-Type: text/x\r\n",
		"Set-Cookie: a=1; Path=/\r\n", "Set-Cookie: a=2; Path=/x\r\n", "X-Request-Id: req-1\r\n", "\r\n\r\nhello world"} {
		if !strings.Contains(resp, line) {
			t.Errorf("no %q in the response", line)
		}
	}
	if strings.Contains(resp, "evil") {
		t.Error("a header was injected")
	}
	for _, code := range []int{0, 100, 199, 600, 1 << 31} {
		if why := g.misuse("status", code); !strings.Contains(why, "outside 200 to 599") {
			t.Errorf("status(%d): %s", code, why)
		}
	}
}

func TestLog(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	g.call("log", 2, "care\nlevel=ERROR msg=forged\n")
	g.call("log", 9, strings.Repeat("x", abi.MaxLog+1))
	g.x.Output(1, []byte("half "))
	g.x.Output(1, []byte("a line\nnext"))
	g.x.Output(2, []byte("panic: x\r\n\n"))
	g.x.EndGuest()
	lines := strings.Split(strings.TrimSpace(g.logs.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines:\n%s", len(lines), g.logs)
	}
	for i, want := range []string{
		`level=WARN msg="care\nlevel=ERROR msg=forged" plugin=user handler=get_user request_id=req-1`,
		`level=ERROR msg=xxx`, `level=INFO msg="half a line"`, `level=WARN msg="panic: x"`, `msg=next`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: %s\nwant %s", i, lines[i], want)
		}
	}
	if n := strings.Count(lines[1], "x"); n > abi.MaxLog+10 {
		t.Errorf("%d bytes of a log message were kept", n)
	}
}

func TestStoreImports(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	for _, c := range []struct {
		name  string
		args  []any
		n     int64
		value string
	}{
		{"kv_get", []any{"a"}, -1, ""},
		{"kv_set", []any{"a", "1"}, 0, ""},
		{"kv_get", []any{"a"}, 1, "1"},
		{"kv_set", []any{"", "1"}, -2, ""},
		{"kv_set", []any{strings.Repeat("k", 1025), "1"}, -2, ""},
		{"kv_add", []any{"a", -5, 50_000}, 0, ""},
		{"kv_get", []any{"a"}, 2, "-4"},
		{"kv_swap", []any{"a", "x", "y"}, 0, ""},
		{"kv_swap", []any{"a", "-4", "z"}, 1, ""},
		{"kv_add", []any{"a", 1, 50_000}, -2, ""},
		{"kv_swap", []any{"b", 0, -1, "new"}, 1, ""},
		{"kv_swap", []any{"b", 0, -1, "new"}, 0, ""},
		{"kv_list", []any{"", ""}, 1, "a"},
		{"kv_list", []any{"", "a"}, 1, "b"},
		{"kv_list", []any{"b", "b"}, -1, ""},
		{"kv_delete", []any{"a"}, 1, ""},
		{"kv_delete", []any{"a"}, 0, ""},
	} {
		if n, got := g.call(c.name, c.args...); n != c.n || (c.value != "" && got != c.value) {
			t.Errorf("%s%.40v = %d %q, want %d %q", c.name, c.args, n, got, c.n, c.value)
		}
	}
	big := make([]byte, abi.MaxValue+100)
	stack := []uint64{0, 1, 1, abi.MaxValue + 1}
	kvSet(g.x, big, stack)
	if int32(stack[0]) != int32(abi.TooLarge) {
		t.Errorf("a value over the limit: %d", int32(stack[0]))
	}

	g.x.Plugin.Keyspace = kv.Unavailable().Keyspace("users")
	if n, _ := g.call("kv_get", "a"); n != int64(abi.Unavailable) || !strings.Contains(g.logs.String(), "store unavailable") {
		t.Errorf("unavailable store: %d, log %s", n, g.logs)
	}
}

// slow is a store whose writes end with their context.
type slow struct{ kv.Keyspace }

func (slow) Set(ctx context.Context, _, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestStoreDeadline(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	g.x.Plugin.Keyspace = slow{}
	g.x.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if n, _ := g.call("kv_set", "a", "1"); n != int64(abi.Timeout) {
		t.Errorf("kv_set at the deadline = %d", n)
	}
	if store, _, _ := g.x.Waited(); store <= 0 {
		t.Error("the wait was not booked")
	}
	if !g.x.Expired() {
		t.Error("not expired")
	}
}

func TestSleep(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	if err := g.x.Sleep(time.Now().Add(time.Millisecond)); err != nil {
		t.Errorf("a short sleep: %v", err)
	}
	g.x.SetDeadline(time.Now().Add(30 * time.Millisecond))
	start := time.Now()
	if err := g.x.Sleep(start.Add(time.Hour)); !errors.Is(err, ErrDeadline) {
		t.Errorf("a sleep past the deadline: %v", err)
	}
	g.x.SetDeadline(time.Time{})
	g.x.conn = dead{}
	if err := g.x.Sleep(start.Add(time.Hour)); !errors.Is(err, ErrClosed) {
		t.Errorf("a sleep whose client goes away: %v", err)
	}
}

// dead is the connection of a client that went away.
type dead struct{}

func (dead) Alive() bool          { return false }
func (dead) RemoteIP() netip.Addr { return netip.Addr{} }
func (dead) DiscardOnClose()      {}

func TestClosed(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	g.x.conn = dead{}
	for name, args := range map[string][]any{"write": {"x"}, "flush": nil, "call": {"user", "GET /", ""}} {
		g.x.checked = time.Time{}
		if n, _ := g.call(name, args...); n != int64(abi.Closed) {
			t.Errorf("%s to a client that went away = %d", name, n)
		}
	}
	ctx, stop := g.x.Watched()
	defer stop()
	<-ctx.Done() // ends by itself
}

func TestCallImports(t *testing.T) {
	g := newGuest(t, exampleHead, "")
	h, _ := g.call("call", "user", "PUT /users?x=1\nContent-Type: a/b\nX-A: 1\n", "payload")
	if h != 0 {
		t.Fatalf("call = %d", h)
	}
	for _, c := range []struct {
		name  string
		args  []any
		n     int64
		value string
	}{
		{"call_status", []any{0}, 201, ""},
		{"call_status", []any{1}, -2, ""},
		{"call_status", []any{-1}, -2, ""},
		{"call_header", []any{0, "GOT-X-A", 0}, 1, "1"},
		{"call_header", []any{0, "got-x-request-id", 0}, 5, "req-1"},
		{"call_header", []any{0, "got-traceparent", 0}, 55, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		{"call_header", []any{0, "got-x-a", 1}, -1, ""},
		{"call_header", []any{9, "got-x-a", 0}, -2, ""},
		{"call_body", []any{0}, 29, "user PUT /users?x=1 payload"},
		{"call_body", []any{0}, 0, ""},
		{"call_body", []any{5}, -2, ""},
	} {
		n, got := g.call(c.name, c.args...)
		if c.name == "call_body" && c.value != "" {
			c.n = int64(len(c.value))
		}
		if n != c.n || (c.value != "" && got != c.value) {
			t.Errorf("%s%v = %d %q, want %d %q", c.name, c.args, n, got, c.n, c.value)
		}
	}
	g.call("call_close", 0)
	g.call("call_close", 0)
	if n, _ := g.call("call_status", 0); n != -2 {
		t.Errorf("status of a closed handle = %d", n)
	}
	for i := range abi.MaxOpenCalls {
		if n, _ := g.call("call", "user", "GET /", ""); n != int64(i) {
			t.Fatalf("call %d = %d", i, n)
		}
	}
	if n, _ := g.call("call", "user", "GET /", ""); n != int64(abi.TooLarge) {
		t.Errorf("one call too many = %d", n)
	}
}

func TestCallHeads(t *testing.T) {
	for head, valid := range map[string]bool{
		"GET /":                            true,
		"GET /\n":                          true,
		"GET /a?b=c\nX: y":                 true,
		"GET /\nTraceparent: 00-x\n":       true,
		"":                                 false,
		"GET":                              false,
		"GET ":                             false,
		"GET a":                            false,
		"GET http://h/":                    false,
		"GET / HTTP/1.1":                   false,
		"G T /":                            false,
		"GET /\x01":                        false,
		"GET /\r\nX: y\r\n":                false,
		"GET /\nX: a\x00b\n":               false,
		"GET /\nX\n":                       false,
		"GET /\n X: y\n":                   false,
		"GET /\n\nX: y\n":                  false,
		"GET /\nX: y\n\nZ: y\n":            false,
		"GET /\nHost: h\n":                 false,
		"GET /\ncontent-length: 1\n":       false,
		"GET /\nTransfer-Encoding: x\n":    false,
		"GET /\nConnection: close\n":       false,
		"GET /\nX-Request-Id: a\n":         false,
		"GET /\nExpect: 100-continue\n":    false,
		"GET /\nUpgrade: h2c\n":            false,
		strings.Repeat("A", 10) + " /é\n":  false,
		"GET /\nX: " + "\xff" + "\nY: z\n": true,
	} {
		if got := new(CallRequest).parse([]byte(head)); got != valid {
			t.Errorf("%q: %v, want %v", head, got, valid)
		}
	}
}

func TestInit(t *testing.T) {
	var logs bytes.Buffer
	g := &guest{t: t, x: NewInit(testPlugin(&logs)), mem: make([]byte, 64<<10)}
	g.x.Plugin.Keyspace.Set(context.Background(), []byte("a"), []byte("1"))
	if n, v := g.call("kv_get", "a"); n != 1 || v != "1" {
		t.Errorf("kv_get = %d %q", n, v)
	}
	if n, v := g.call("config", "greeting"); n != 5 || v != "hello" {
		t.Errorf("config = %d %q", n, v)
	}
	g.call("log", 1, "hi")
	if !strings.Contains(logs.String(), "msg=hi") || strings.Contains(logs.String(), "request_id") {
		t.Errorf("log: %s", logs.String())
	}
	for name, args := range map[string][]any{
		"kv_set": {"a", "1"}, "kv_delete": {"a"}, "kv_add": {"a", 1, 50_000}, "kv_swap": {"a", "1", "2"},
	} {
		if n, _ := g.call(name, args...); n != int64(abi.Denied) {
			t.Errorf("%s = %d, want DENIED", name, n)
		}
	}
	for _, f := range abi.Functions() {
		if f.Group == abi.Platform || f.Group == abi.Store {
			continue
		}
		func() {
			defer func() {
				if m, ok := recover().(*Misuse); !ok || !strings.Contains(m.Error(), "no request") {
					t.Errorf("%s without a request did not trap", f.Name)
				}
			}()
			Imports()[f.Name](g.x, g.mem, make([]uint64, 8))
		}()
	}
}

// Every pointer of every import is checked: with ranges that end past memory,
// wrap around, or begin outside, the guest ends and nothing else happens.
func TestBadPointers(t *testing.T) {
	g := newGuest(t, exampleHead, "body")
	size := uint64(len(g.mem))
	bad := [][2]uint64{{size, 1}, {size - 1, 2}, {0xffffffff, 1}, {0xffffffff, 0xffffffff}, {1, 0xffffffff}, {0, size + 1}}
	for _, f := range abi.Functions() {
		for i, p := range f.Params {
			isRange := i+1 < len(f.Params) && (f.Params[i+1].Name == p.Name+"_len" || (p.Name == "buf" || p.Name == "ptr"))
			if !isRange {
				continue
			}
			for _, b := range bad {
				if p.Name == "old" && uint32(b[1]) == 0xffffffff {
					continue // "must be absent"
				}
				stack := make([]uint64, 8)
				if f.Group == abi.Calls && i > 0 {
					g.x.openCall(fasthttp.AcquireResponse()) // handle 0
				}
				for j, q := range f.Params { // everything before is fine
					if j+1 < len(f.Params) && q.Name == "name" || q.Name == "key" {
						copy(g.mem, "id")
						stack[j], stack[j+1] = 0, 2
					}
				}
				if f.Name == "header" || f.Name == "query" {
					copy(g.mem, map[string]string{"header": "host", "query": "a"}[f.Name])
					stack[1] = uint64(len(map[string]string{"header": "host", "query": "a"}[f.Name]))
				}
				if f.Name == "config" {
					copy(g.mem, "greeting")
					stack[1] = 8
				}
				if f.Name == "call_header" {
					resp := fasthttp.AcquireResponse()
					resp.Header.Set("id", "x")
					stack[0] = uint64(g.x.openCall(resp))
				}
				if f.Name == "kv_get" || f.Name == "kv_list" {
					g.x.Plugin.Keyspace.Set(context.Background(), []byte("id"), []byte("1"))
					stack[1] = 2
					if f.Name == "kv_list" {
						stack[1] = 0
					}
				}
				stack[i], stack[i+1] = b[0], b[1]
				before := bytes.Clone(g.mem)
				func() {
					defer func() {
						m, ok := recover().(*Misuse)
						if !ok || m.Function != f.Name || m.Argument != p.Name {
							t.Errorf("%s: %s = %#x+%#x: %v", f.Name, p.Name, b[0], b[1], m)
						}
					}()
					Imports()[f.Name](g.x, g.mem, stack)
				}()
				if !bytes.Equal(before, g.mem) {
					t.Errorf("%s: memory was written", f.Name)
				}
				g.x.closeCalls()
			}
		}
	}
}

// FuzzImports drives every import with whatever arguments: it ends the guest in
// the ways there are, or answers; it neither panics otherwise nor writes past
// the memory it was lent.
func FuzzImports(f *testing.F) {
	functions := abi.Functions()
	for i := range functions {
		f.Add(uint8(i), uint64(0), uint64(4), uint64(8), uint64(4), uint64(16), uint64(64), []byte("id\x00\x00GET /\nX: y\n"))
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b, c, d, e, g uint64, memory []byte) {
		function := functions[int(which)%len(functions)]
		if function.Name == "log" && uint32(a) > 3 {
			a &= 3
		}
		whole := append(append(make([]byte, 0, len(memory)+16), memory...), "guardguardguard!"...)
		mem := whole[:len(memory):len(memory)]
		var resp fasthttp.Response
		x := Acquire()
		defer x.Release()
		if err := x.BeginText(&resp, []byte(exampleHead), []byte("some body")); err != nil {
			t.Fatal(err)
		}
		x.Plugin = testPlugin(io.Discard)
		x.Params, x.Caller = pairs{"id": "7"}, echo{}
		x.openCall(fasthttp.AcquireResponse())
		defer func() {
			r := recover()
			if _, ok := r.(*Misuse); r != nil && !ok {
				t.Fatalf("%s(%#x, %#x, %#x, %#x, %#x, %#x): %v", function.Name, a, b, c, d, e, g, r)
			}
			if !strings.HasSuffix(string(whole), "guardguardguard!") {
				t.Fatalf("%s wrote past the guest's memory", function.Name)
			}
		}()
		Imports()[function.Name](x, mem, []uint64{a, b, c, d, e, g, 0})
	})
}
