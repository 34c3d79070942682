package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasmlane/wasmlane/abi"
	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// A guest that does to its instance what it is told: it asks test.next for one
// thing after the other. Between two requests nothing of it may be left.

// What a spoiler can be told, an i64: the address in the lower half, then a byte
// and the kind.
const (
	spoilEnd = iota
	spoilStore
	spoilGrow
	spoilGlobals
	spoilFill
	spoilKinds
)

func spoil(kind int, address uint32, value byte) int64 {
	return int64(kind)<<40 | int64(value)<<32 | int64(address)
}

const (
	spoilPages = 4  // at the start
	spoilMost  = 12 // pages
)

// spoiler builds the module, with a global of every type and some data.
func spoiler() *wt.Module {
	m := wt.New()
	next := m.Import("test", "next", nil, wt.Type{wt.I64})
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(spoilPages, spoilMost)
	m.Table(3, 5)
	g32 := m.Global(wt.I32, true, wt.I32Const(7))
	g64 := m.Global(wt.I64, true, wt.I64Const(-7))
	gf32 := m.Global(wt.F32, true, []byte{0x43, 1, 2, 3, 4})
	gf64 := m.Global(wt.F64, true, []byte{0x44, 1, 2, 3, 4, 5, 6, 7, 8})
	v := m.Global(wt.V128, true, slices.Concat([]byte{0xfd, 0x0c}, bytes.Repeat([]byte{9}, 16)))
	for k, name := range []string{"g32", "g64", "gf32", "gf64"} {
		m.Export(name, wt.KindGlobal, uint32(k))
	}
	m.Data(100, []byte("some data"))
	m.Data(70_000, bytes.Repeat([]byte("more "), 3000))

	shifted := func(n int64, mask int32) []byte {
		return slices.Concat(wt.LocalGet(0), wt.I64Const(n), wt.Op(0x88), wt.Op(0xa7), wt.I32Const(mask), wt.Op(0x71))
	}
	address := slices.Concat(wt.LocalGet(0), wt.Op(0xa7))
	value, kind := shifted(32, 0xff), shifted(40, 0xff)
	on := func(k int32, code ...[]byte) []byte {
		return slices.Concat(kind, wt.I32Const(k), wt.Op(0x46), wt.If(code...))
	}
	do := m.Func(nil, nil, wt.Type{wt.I64}, wt.Loop(
		wt.Call(next), wt.LocalSet(0),
		on(spoilStore, address, value, []byte{0x3a, 0, 0}),
		on(spoilGrow, value, wt.MemoryGrow(), wt.Call(note)),
		on(spoilFill, address, value, value, wt.I32Const(32), wt.Op(0x6c), []byte{0xfc, 11, 0}),
		on(spoilGlobals,
			address, wt.GlobalSet(g32),
			wt.LocalGet(0), wt.GlobalSet(g64),
			address, wt.Op(0xbe), wt.GlobalSet(gf32),
			wt.LocalGet(0), wt.Op(0xbf), wt.GlobalSet(gf64),
			wt.LocalGet(0), []byte{0xfd, 0x12}, wt.GlobalSet(v)),
		kind, wt.BrIf(0)))
	m.Export("spoil", wt.KindFunc, do)
	// The v128 into memory, where it can be seen; and the size of memory.
	m.Handler("look", wt.I32Const(16), wt.GlobalGet(v), []byte{0xfd, 0x0b, 4, 0}, wt.MemorySize(), wt.Call(note))
	// Stores behind the end must trap again.
	m.Handler("beyond", wt.I32Const(spoilPages*pageSize), wt.I32Const(1), []byte{0x3a, 0, 0})
	return m
}

// orders is what a spoiler is told. It is found by the context.
type orders struct {
	notes
	list []int64
	at   int
}

type ordersKey struct{}

func (o *orders) context() context.Context {
	return context.WithValue(o.notes.context(), ordersKey{}, o)
}

func (o *orders) next() int64 {
	if o.at == len(o.list) {
		return spoilEnd
	}
	o.at++
	return o.list[o.at-1]
}

func spoilImports() []Import {
	return append(testImports(), Import{Module: "test", Name: "next", Result: abi.I64, Quick: true,
		Call: func(ctx context.Context, _ []byte, stack []uint64) {
			o, _ := ctx.Value(ordersKey{}).(*orders)
			if o == nil {
				stack[0] = spoilEnd
				return
			}
			stack[0] = uint64(o.next())
		}})
}

// randomOrders are up to n, mostly within memory.
func randomOrders(rng *rand.Rand, n int) []int64 {
	var list []int64
	size := uint32(spoilPages * pageSize)
	for range rng.IntN(n) {
		switch rng.IntN(12) {
		case 0:
			pages := rng.IntN(4)
			list = append(list, spoil(spoilGrow, 0, byte(pages)))
			if grown := size + uint32(pages)*pageSize; grown <= spoilMost*pageSize {
				size = grown
			}
		case 1:
			list = append(list, spoil(spoilGlobals, rng.Uint32(), byte(rng.Uint32())))
		case 2:
			list = append(list, spoil(spoilFill, rng.Uint32N(size-255*32), byte(rng.Uint32())))
		default:
			list = append(list, spoil(spoilStore, rng.Uint32N(size), byte(rng.Uint32())))
		}
	}
	return list
}

// state is all that a request could leave behind.
type state struct {
	memory  string
	globals [6]uint64
}

func stateOf(t testing.TB, module api.Module, memory []byte) state {
	t.Helper()
	s := state{memory: string(memory)}
	for k, name := range []string{"g32", "g64", "gf32", "gf64"} {
		s.globals[k] = module.ExportedGlobal(name).Get()
	}
	return s
}

// see returns the state of an instance, with the v128, which only the guest sees.
func see(t testing.TB, i *Instance) state {
	t.Helper()
	s := stateOf(t, i.module, i.memory.buf)
	for _, g := range i.globals {
		if g.cell == nil {
			both, err := g.save(nil)
			if err != nil {
				t.Fatal(err)
			}
			copy(s.globals[4:], both)
		}
	}
	return s
}

// check reports the first difference.
func (s state) check(t testing.TB, what string, want state) {
	t.Helper()
	if s == want {
		return
	}
	if s.globals != want.globals {
		t.Errorf("%s: globals are %x, want %x", what, s.globals, want.globals)
	}
	if len(s.memory) != len(want.memory) {
		t.Fatalf("%s: memory has %d bytes, want %d", what, len(s.memory), len(want.memory))
	}
	for at := range s.memory {
		if s.memory[at] != want.memory[at] {
			t.Fatalf("%s: memory differs at %#x: %#x, want %#x", what, at, s.memory[at], want.memory[at])
		}
	}
}

// plain runs orders in the engine without anything of this package, and returns
// the state they lead to and the notes.
func plain(t testing.TB, list []int64) (state, []uint64) {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(features))
	defer rt.Close(ctx)
	o := &orders{list: list}
	_, err := rt.NewHostModuleBuilder("test").
		NewFunctionBuilder().WithFunc(func() int64 { return o.next() }).Export("next").
		NewFunctionBuilder().WithFunc(func(v uint32) { o.notes.list = append(o.notes.list, uint64(v)) }).Export("note").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	module, err := rt.InstantiateWithConfig(ctx, spoiler().Bytes(), wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := module.ExportedFunction("spoil").Call(ctx); err != nil {
		t.Fatal(err)
	}
	// The v128 comes out by way of memory; what was there is put back.
	before, _ := module.Memory().Read(16, 16)
	saved := bytes.Clone(before)
	if _, err := module.ExportedFunction("look").Call(ctx); err != nil {
		t.Fatal(err)
	}
	v, _ := module.Memory().Read(16, 16)
	both := [2]uint64{binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])}
	module.Memory().Write(16, saved)
	all, _ := module.Memory().Read(0, module.Memory().Size())
	s := stateOf(t, module, all)
	copy(s.globals[4:], both[:])
	return s, o.notes.list[:len(o.notes.list)-1]
}

// obey runs orders in an instance.
func obey(t testing.TB, i *Instance, list []int64) []uint64 {
	t.Helper()
	o := &orders{list: list}
	if err := i.Call(o.context(), "spoil", time.Time{}); err != nil {
		t.Fatal(err)
	}
	return o.all()
}
