package sandbox

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// endless has every way not to end, one handler each.
func endless() *wt.Module {
	m := wt.New()
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(257, -1).Table(1, 1)
	handler := func(name string, code ...[]byte) uint32 {
		return m.Handler(name, code...)
	}
	forever := func(code ...[]byte) []byte { return wt.Loop(slices.Concat(code...), wt.Br(0)) }

	handler("loop", wt.Forever())
	handler("nested_loops", forever(forever()))
	index := handler("computing", forever(
		wt.I32Const(8), wt.I32Const(8), wt.I32Load(), wt.I32Const(1), wt.Op(0x6a), wt.I32Store())) + 1

	// fib(60), which has no loop.
	fib := m.Func(wt.Type{wt.I32}, wt.Type{wt.I32}, nil,
		wt.LocalGet(0), wt.I32Const(2), wt.Op(0x49), []byte{0x04, wt.I32}, wt.LocalGet(0), wt.Op(0x05),
		wt.LocalGet(0), wt.I32Const(1), wt.Op(0x6b), wt.Call(index),
		wt.LocalGet(0), wt.I32Const(2), wt.Op(0x6b), wt.Call(index), wt.Op(0x6a), wt.Op(0x0b))
	handler("fib", wt.I32Const(60), wt.Call(fib), wt.Drop())

	// A tower of calls: no loop, no recursion, 2^40 calls.
	floor := m.Func(nil, nil, nil, wt.Op(0x01))
	for range 40 {
		floor = m.Func(nil, nil, nil, wt.Call(floor), wt.Call(floor))
	}
	handler("tower", wt.Call(floor))
	through := handler("indirect", forever(wt.I32Const(0), wt.CallIndirect(1))) // type 1 is ()
	_ = through
	m.Elements(0, floor)

	handler("tail_calls", []byte{0x12}, wt.U32(floor+3)) // return_call of itself

	fat := slices.Repeat(slices.Concat(wt.I32Const(3), wt.I32Const(5), wt.Op(0x6d), wt.Drop()), 20_000)
	handler("fat_loop", forever(fat))
	fill := slices.Concat(wt.I32Const(65536), wt.I32Const(7), wt.I32Const(16<<20), []byte{0xfc, 11, 0})
	handler("memory_fill", forever(fill))
	handler("memory_copy", forever(wt.I32Const(65536), wt.I32Const(0), wt.I32Const(16<<20), []byte{0xfc, 10, 0, 0}))
	handler("grow", forever(wt.I32Const(1), wt.MemoryGrow(), wt.Drop()))
	large := m.RawFunc(nil, nil, slices.Concat([]byte{1}, wt.U32(49_000), []byte{wt.I64},
		wt.I32Const(0), wt.LocalGet(48_000), []byte{0x37, 3, 0}, wt.Op(0x0b)))
	handler("many_locals", forever(wt.Call(large)))
	handler("writes", forever(wt.I32Const(1), wt.Call(note)))
	return m
}

// Whatever a guest does, it ends after its deadline, with the deadline for a
// reason.
func TestEndlessGuests(t *testing.T) {
	forEachReset(t, func(t *testing.T, r *Runtime) {
		m := load(t, r, endless().Bytes())
		p := newPool(t, m, PoolOptions{Instances: 2, Memory: 32 << 20, Fresh: true})
		for _, handler := range m.Info().Handlers {
			began := time.Now()
			got := trap(t, p, handler, began.Add(10*time.Millisecond))
			if got.Kind != Deadline || got.Reason != "the deadline passed" {
				t.Errorf("%s: %v", handler, got)
			}
			if late := time.Since(began); late > patience {
				t.Errorf("%s ended after %s", handler, late)
			}
			if got.Stack == "" {
				t.Errorf("%s: there is no stack", handler)
			}
		}
		if r.permits.out != 0 {
			t.Errorf("%d permits are lost", r.permits.out)
		}
	})
}

// All at once, more than there are permits: each ends after its deadline.
func TestEndlessGuestsTogether(t *testing.T) {
	r := newRuntime(t, Options{})
	p := newPool(t, load(t, r, endless().Bytes()), PoolOptions{Instances: 8, Memory: 32 << 20, Fresh: true})
	errs := make(chan error, 8)
	deadline := time.Now().Add(60 * time.Millisecond)
	for range cap(errs) {
		i := get(t, p)
		go func() {
			err := i.Call(context.Background(), "loop", deadline)
			p.Put(i, Failed)
			errs <- err
		}()
	}
	for range cap(errs) {
		var got *Trap
		if err := <-errs; !errors.As(err, &got) || got.Kind != Deadline {
			t.Errorf("ended with %v", err)
		}
	}
	if late := time.Since(deadline); late > patience {
		t.Errorf("the last one ended %s late", late)
	}
	if r.permits.out != 0 || r.permits.first != nil {
		t.Error("permits are lost")
	}
}

// A guest that is past its first slice and waits for another one must not keep
// the permit that this one needs.
func TestPermitIsNotHeldInHostFunctions(t *testing.T) {
	m := wt.New()
	call := m.Import("test", "call", nil, nil)
	m.Memory(1, -1)
	// Counts down from a few million, past the first slice.
	work := slices.Concat(wt.I32Const(4), wt.I32Const(3_000_000), wt.I32Store(), wt.Loop(
		wt.I32Const(4), wt.I32Const(4), wt.I32Load(), wt.I32Const(1), wt.Op(0x6b), wt.I32Store(),
		wt.I32Const(4), wt.I32Load(), wt.BrIf(0)))
	m.Handler("outer", work, wt.Call(call), work)
	m.Handler("inner", work)
	for _, quick := range []bool{false, true} {
		var p *Pool
		var held, kept bool
		r := newRuntime(t, Options{Imports: []Import{{Module: "test", Name: "call", Quick: quick,
			Call: func(ctx context.Context, _ []byte, _ []uint64) {
				held = p.code.runtime.permits.out != 0
				if quick {
					return
				}
				if err := once(ctx, t, p, "inner", time.Now().Add(patience)); err != nil {
					t.Errorf("inner: %v", err)
				}
			}}}})
		r.permits.limit, r.permits.refreshed = 1, time.Now().Add(time.Hour)
		p = newPool(t, load(t, r, m.Bytes()), PoolOptions{Instances: 2, Fresh: true})
		if err := once(context.Background(), t, p, "outer", time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
		if kept = held; kept != quick {
			t.Errorf("quick %v: the permit is held: %v", quick, kept)
		}
		if r.permits.out != 0 {
			t.Error("a permit is lost")
		}
	}
}

// Alive is asked, now and then, with the context of the call.
func TestAlive(t *testing.T) {
	n := &notes{}
	asked := 0
	p := guest(t, endless(), PoolOptions{Memory: 32 << 20, Alive: func(ctx context.Context) bool {
		if ctx.Value(notesKey{}) != n {
			t.Error("it is another context")
		}
		asked++
		return asked < 3
	}})
	var got *Trap
	if err := once(n.context(), t, p, "loop", time.Time{}); !errors.As(err, &got) || got.Kind != Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

// What a deep call leaves on the native stack is not kept.
func TestNativeStackIsNotKept(t *testing.T) {
	m := wt.New()
	m.Memory(1, -1)
	// down(n) calls down(n-1), so that many frames return normally.
	down := m.Func(wt.Type{wt.I32}, nil, nil,
		wt.LocalGet(0), wt.If(wt.LocalGet(0), wt.I32Const(1), wt.Op(0x6b), wt.Call(0)))
	m.Handler("shallow", wt.I32Const(10), wt.Call(down))
	m.Handler("deep", wt.I32Const(9_000), wt.Call(down))
	m.Handler("too_deep", wt.I32Const(1_400_000), wt.Call(down))
	p := guest(t, m, PoolOptions{Fresh: true})
	i := get(t, p)
	for _, handler := range []string{"shallow", "deep", "shallow", "deep"} {
		if err := i.Call(t.Context(), handler, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for _, e := range i.entries {
			if e.name == "deep" {
				t.Errorf("a stack of %d bytes is kept", e.stackSize())
			}
			if e.stackSize() == 0 {
				t.Error("the engine hides the size of a stack")
			}
		}
	}
	if len(i.entries) != 1 {
		t.Errorf("%d functions are kept, want the shallow one", len(i.entries))
	}
	if err := i.Call(t.Context(), "too_deep", time.Time{}); !errors.Is(err, ErrStackLimit) {
		t.Errorf("too deep: %v", err)
	}
	p.Put(i, Failed)
}

// Frames that are far larger than metering can know: hundreds of values that wait
// on the operand stack for a call to return.
func TestFramesLargerThanTheyLook(t *testing.T) {
	m := wt.New()
	m.Memory(1, -1)
	const values = 400
	wait := slices.Repeat(slices.Concat(wt.LocalGet(0), wt.I32Load()), values)
	down := m.Func(wt.Type{wt.I32}, nil, nil, wait, wt.LocalGet(0), wt.Call(0), slices.Repeat(wt.Drop(), values))
	used := m.Func(wt.Type{wt.I32}, wt.Type{wt.I32}, nil,
		wait, wt.LocalGet(0), wt.Call(1), slices.Repeat(wt.Op(0x6a), values))
	m.Handler("dropped", wt.I32Const(0), wt.Call(down))
	m.Handler("used", wt.I32Const(0), wt.Call(used), wt.Drop())
	p := guest(t, m, PoolOptions{Fresh: true})
	for _, handler := range []string{"dropped", "used"} {
		i := get(t, p)
		e := i.entry(handler)
		if err := i.Call(t.Context(), handler, time.Time{}); !errors.Is(err, ErrStackLimit) {
			t.Errorf("%s ended with %v", handler, err)
		}
		if size := e.stackSize(); size > 4*maxStack {
			t.Errorf("%s: the native stack had %d bytes", handler, size)
		} else {
			t.Logf("%s: the native stack had %d bytes", handler, size)
		}
		p.Put(i, Failed)
	}
}

// References to functions are the engine's memory, which no limit covers.
func TestReferencesAreBounded(t *testing.T) {
	m := wt.New()
	m.Memory(1, -1).Table(1, 1)
	m.Handler("endless", wt.Loop([]byte{0xd2, 0}, wt.Drop(), wt.Br(0)))
	m.Handler("many", wt.I32Const(4), wt.I32Const(keepReferences+10), wt.I32Store(), wt.Loop(
		[]byte{0xd2, 0}, wt.Drop(),
		wt.I32Const(4), wt.I32Const(4), wt.I32Load(), wt.I32Const(1), wt.Op(0x6b), wt.I32Store(),
		wt.I32Const(4), wt.I32Load(), wt.BrIf(0)))
	m.Handler("one", []byte{0xd2, 0}, wt.Drop())
	m.Elements(0, 0)
	p := guest(t, m, PoolOptions{Fresh: true})
	for range 10 {
		if err := once(t.Context(), t, p, "one", time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	i := get(t, p)
	if i.references() != 10 {
		t.Errorf("%d references, want 10: the engine hides them", i.references())
	}
	p.Put(i, Clean)
	p.check(t, Stats{Idle: 1, Created: 1})
	if err := once(t.Context(), t, p, "many", time.Time{}); err != nil {
		t.Fatal(err)
	}
	p.check(t, Stats{Created: 1, Discarded: 1})
	if got := trap(t, p, "endless", time.Now().Add(patience)); got.Reason != errReferences.reason {
		t.Errorf("endless: %v", got)
	}
}

// Mappings are counted and bounded over all pools.
func TestMappingsAreBounded(t *testing.T) {
	r := newRuntime(t, Options{})
	bound(t, r, 10)
	p := newPool(t, load(t, r, counter().Bytes()), PoolOptions{Instances: 9, Fresh: true})
	first := get(t, p)
	second, third := get(t, p), get(t, p)
	_, err := p.Get(t.Context(), time.Time{}, false)
	if !errors.Is(err, ErrMappings) || !bytes.Contains([]byte(err.Error()), []byte("vm.max_map_count")) {
		t.Errorf("the fourth: %v", err)
	}
	p.Put(third, Failed)
	third = get(t, p)
	for _, i := range []*Instance{first, second, third} {
		p.Put(i, Clean)
	}
	if _, err := load(t, r, counter().Bytes()).NewPool(t.Context(), PoolOptions{Instances: 1}); !errors.Is(err, ErrMappings) {
		t.Errorf("another pool: %v", err)
	}
}

// The yield module is the host's own.
func TestYieldIsReserved(t *testing.T) {
	m := wt.New()
	m.Import(meterModule, meterYield, wt.Type{wt.I32}, wt.Type{wt.I64})
	if _, err := newRuntime(t, Options{}).Load(t.Context(), "guest", m.Memory(1, -1).Bytes()); !errors.Is(err, ErrRefused) {
		t.Errorf("a guest imports it: %v", err)
	}
	_, err := New(t.Context(), Options{Imports: []Import{{Module: meterModule, Name: "x", Params: []abi.Type{abi.I32},
		Call: func(context.Context, []byte, []uint64) {}}}})
	if err == nil {
		t.Error("a host function is in it")
	}
}
