package host

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// guest assembles a plugin that uses the abi, without a compiler:
//
//	g := newGuest()
//	g.on("hello", g.do("status", 201), g.do("write", "hello"))
//
// A function is imported when it is first used, so that a guest needs no grant
// but for what it does.
type guest struct {
	module *wasmtest.Module
	funcs  map[string]guestFunc
	bodies []guestBody
	data   []byte // what lies in memory from dataAt on
	pages  int
}

type guestFunc struct {
	index  uint32
	result bool
}

type guestBody struct {
	name string
	code [][]byte
}

// Opcodes without a name in wasmtest.
const (
	opReturn = 0x0f
	i32Eqz   = 0x45
	i32Eq    = 0x46
	i32LtS   = 0x48
	i32GtS   = 0x4a
	i32GeS   = 0x4e
	i32Add   = 0x6a
	i32Sub   = 0x6b
	i32And   = 0x71
	i32Or    = 0x72
)

// dataAt is where a guest's constants begin. Below lies nothing.
const dataAt = 1024

func newGuest() *guest {
	return &guest{module: wasmtest.New(), funcs: map[string]guestFunc{}, pages: 3}
}

// on exports a function. Its locals 0 to 3 are i32 variables of its own, but
// those from 2 on are used by the pieces below.
func (g *guest) on(name string, code ...[]byte) *guest {
	g.bodies = append(g.bodies, guestBody{name, code})
	return g
}

// handlers are the exports that routes can run.
func (g *guest) handlers() (names []string) {
	for _, b := range g.bodies {
		if abi.IsHandler(b.name) {
			names = append(names, b.name)
		}
	}
	return names
}

func (g *guest) bytes() []byte {
	m := *g.module
	m.Memory(g.pages, -1).Data(dataAt, g.data)
	locals := wasmtest.Type{wasmtest.I32, wasmtest.I32, wasmtest.I32, wasmtest.I32}
	for _, b := range g.bodies {
		m.Export(b.name, wasmtest.KindFunc, m.Func(nil, nil, locals, b.code...))
	}
	return m.Bytes()
}

// place puts bytes into memory and returns their address, a multiple of 8.
func (g *guest) place(b []byte) int {
	at := dataAt + len(g.data)
	g.data = append(g.data, b...)
	g.data = append(g.data, make([]byte, 8-len(b)%8)...)
	return at
}

// get calls an import and leaves its result. An int is a number, a string is the
// address and length of its bytes, and a []byte is code.
func (g *guest) get(function string, args ...any) []byte {
	var code []byte
	for _, arg := range args {
		switch arg := arg.(type) {
		case int:
			code = append(code, wasmtest.I32Const(int32(arg))...)
		case string:
			code = append(code, wasmtest.I32Const(int32(g.place([]byte(arg))))...)
			code = append(code, wasmtest.I32Const(int32(len(arg)))...)
		case []byte:
			code = append(code, arg...)
		default:
			panic("guest: an argument of another type")
		}
	}
	return append(code, wasmtest.Call(g.imported(function).index)...)
}

// do is get, without the result.
func (g *guest) do(function string, args ...any) []byte {
	code := g.get(function, args...)
	if g.imported(function).result {
		code = append(code, wasmtest.Drop()...)
	}
	return code
}

func (g *guest) imported(name string) guestFunc {
	if f, ok := g.funcs[name]; ok {
		return f
	}
	var params wasmtest.Type
	module, result := abi.Module, byte(0)
	if f, ok := abi.Lookup(name); ok {
		for _, p := range f.Params {
			params = append(params, byte(p.Type))
		}
		result = byte(f.Result)
	} else {
		all := wasi.Functions()
		i := slices.IndexFunc(all, func(f wasi.Function) bool { return f.Name == name })
		for _, p := range all[i].Params {
			params = append(params, byte(p))
		}
		module, result = wasi.Module, byte(all[i].Result)
	}
	var results wasmtest.Type
	if result != 0 {
		results = wasmtest.Type{result}
	}
	f := guestFunc{g.module.Import(module, name, params, results), result != 0}
	g.funcs[name] = f
	return f
}

// tell writes a number to the body, as four bytes. Answers of several are read
// by answer.numbers.
func (g *guest) tell(number []byte) []byte {
	at := g.place(make([]byte, 4))
	return slices.Concat(wasmtest.I32Const(int32(at)), number, wasmtest.I32Store(), g.do("write", at, 4))
}

// echo calls a function that yields bytes, and writes them to the body. What is
// absent traps.
func (g *guest) echo(function string, args ...any) []byte {
	const room = 1024
	at := g.place(make([]byte, room))
	return slices.Concat(
		g.get(function, append(args, at, room)...), wasmtest.LocalSet(2),
		g.do("write", at, wasmtest.LocalGet(2)))
}

// sleep waits for a duration.
func (g *guest) sleep(d time.Duration) []byte {
	subscription := make([]byte, 48)
	subscription[16] = 1 // the monotonic clock
	binary.LittleEndian.PutUint64(subscription[24:], uint64(d))
	return g.do("poll_oneoff", g.place(subscription), g.place(make([]byte, 32)), 1, g.place(make([]byte, 4)))
}

// until waits for a key of the store, which a test sets with rig.open. The wait
// costs no processor.
func (g *guest) until(key string) []byte {
	return wasmtest.Loop(
		g.get("kv_get", key, 0, 0), wasmtest.I32Const(0), wasmtest.Op(i32LtS),
		wasmtest.If(g.sleep(time.Millisecond), wasmtest.Br(1)))
}

// kvSet stores a value.
func (g *guest) kvSet(key, value string) []byte { return g.do("kv_set", key, value) }

// load reads the number at an address.
func load(at int) []byte { return slices.Concat(wasmtest.I32Const(int32(at)), wasmtest.I32Load()) }

// store writes a number to an address.
func store(at int, number []byte) []byte {
	return slices.Concat(wasmtest.I32Const(int32(at)), number, wasmtest.I32Store())
}

// says is a guest whose one handler "get" answers with a text.
func says(text string) *guest {
	g := newGuest()
	return g.on("get", g.do("write", text))
}

// The pieces are worth nothing when they do not do what they say.
func TestGuest(t *testing.T) {
	g := newGuest()
	g.on("all",
		g.do("status", 202),
		g.do("set_header", "x-a", "1"),
		g.kvSet("k", "value"),
		g.until("k"),
		g.sleep(time.Millisecond),
		g.echo("kv_get", "k"),
		g.tell(g.get("kv_get", "none", 0, 0)),
		g.tell(wasmtest.I32Const(7)))
	r := start(t, setup{keys: `plugin.a.store = "s"`, guests: map[string]*guest{"a": g}})
	a := r.get("/a/all")
	if a.status != 202 || a.header.Get("X-A") != "1" || len(a.body) != 13 || a.body[:5] != "value" {
		t.Fatalf("got %v", a)
	}
	a.body = a.body[5:]
	if n := a.numbers(); !slices.Equal(n, []int32{-1, 7}) {
		t.Errorf("got %d", n)
	}
}
