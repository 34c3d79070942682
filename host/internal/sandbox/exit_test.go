package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Commands that end by a panic of a host function, as proc_exit does: what is
// used again must be like new.

// leaver is a command that tells what it finds, spoils it, and leaves from deep
// in its calls; "returns" does the same and returns.
func leaver(leave ...[]byte) *wt.Module {
	m := wt.New()
	note, fail := m.Import("test", "note", wt.Type{wt.I32}, nil), m.Import("test", "fail", nil, nil)
	m.Memory(2, 20)
	global := m.Global(wt.I32, true, wt.I32Const(5))
	wide := m.Global(wt.V128, true, slices.Concat([]byte{0xfd, 0x0c}, make([]byte, 16)))
	m.Data(1000, []byte{7, 0, 0, 0})
	spoil := slices.Concat(
		wt.I32Const(1000), wt.I32Load(), wt.Call(note), wt.GlobalGet(global), wt.Call(note), wt.MemorySize(), wt.Call(note),
		wt.GlobalGet(wide), []byte{0xfd, 0x1b, 3}, wt.Call(note), // i32x4.extract_lane
		wt.I32Const(1000), wt.I32Const(8), wt.I32Store(), wt.I32Const(100_000), wt.I32Const(9), wt.I32Store(),
		wt.I32Const(6), wt.GlobalSet(global), wt.I32Const(3), wt.MemoryGrow(), wt.Drop(),
		wt.I32Const(1), []byte{0xfd, 0x11}, wt.GlobalSet(wide)) // i32x4.splat
	leave = append(leave, wt.Call(fail))
	// Calls itself down to zero, and leaves at the bottom. It keeps a value across
	// the call, so that there are frames.
	down := m.Func(wt.Type{wt.I32}, wt.Type{wt.I32}, nil, wt.LocalGet(0), wt.Op(0x45), wt.If(slices.Concat(leave...)),
		wt.LocalGet(0), wt.I32Const(1), wt.Op(0x6b), wt.Call(fail+1), wt.LocalGet(0), wt.Op(0x6a))
	m.Export("_start", wt.KindFunc, m.Func(nil, nil, nil, spoil, wt.I32Const(3000), wt.Call(down), wt.Drop()))
	return m
}

func TestExit(t *testing.T) {
	exits := func(err error) bool { return errors.Is(err, errHost) }
	forEachReset(t, func(t *testing.T, r *Runtime) {
		m := load(t, r, leaver().Bytes())
		if info := m.Info(); !info.Command || len(info.Handlers) > 0 || info.NoReset != "" {
			t.Fatalf("info is %+v", info)
		}
		want := fmt.Sprint([]uint64{7, 5, 2, 0})
		start := func(p *Pool, o Outcome) {
			t.Helper()
			n, i := &notes{}, get(t, p)
			var trap *Trap
			if err := i.Call(n.context(), "_start", time.Now().Add(time.Minute)); !errors.As(err, &trap) || !errors.Is(err, errHost) {
				t.Fatalf("it ended with %v", err)
			}
			p.Put(i, o)
			if got := fmt.Sprint(n.all()); got != want {
				t.Fatalf("it finds %s, want %s", got, want)
			}
			if trap.Stack == "" || trap.Kind != Trapped {
				t.Fatalf("the trap is %+v", trap)
			}
		}
		p := newPool(t, m, PoolOptions{Instances: 1, Fresh: true, Exited: exits})
		for range 100 {
			start(p, Clean)
		}
		if s := p.Stats(); s.Created != 1 || s.Discarded != 0 {
			t.Errorf("an exit costs an instance: %+v", s)
		}
		start(p, Failed)
		if s := p.Stats(); s.Discarded != 1 {
			t.Errorf("a failed instance is kept: %+v", s)
		}
		p = newPool(t, m, PoolOptions{Instances: 1, Fresh: true}) // no such way to end
		start(p, Clean)
		if s := p.Stats(); s.Discarded != 1 {
			t.Errorf("an instance is kept after a trap: %+v", s)
		}
	})
}

// TestTrapIsNoExit: what is no exit spoils the instance, whoever says that it is
// clean.
func TestTrapIsNoExit(t *testing.T) {
	m := leaver(wt.Unreachable()).Bytes()
	p := newPool(t, load(t, newRuntime(t, Options{}), m), PoolOptions{Instances: 1, Fresh: true, Exited: func(error) bool { return true }})
	for n := 1; n <= 3; n++ {
		i := get(t, p)
		if err := i.Call(context.Background(), "_start", time.Time{}); err == nil {
			t.Fatal("it returned")
		}
		p.Put(i, Clean)
		if s := p.Stats(); s.Discarded != n {
			t.Fatalf("the instance is kept: %+v", s)
		}
	}
}

// What an exit costs: a reset, against a new instance.
func BenchmarkExit(b *testing.B) {
	small := wt.New()
	fail := small.Import("test", "fail", nil, nil)
	small.Memory(2, -1).Export("_start", wt.KindFunc, small.Func(nil, nil, nil, wt.Call(fail)))
	m := load(b, newRuntime(b, Options{}), small.Bytes())
	for _, again := range []bool{true, false} {
		b.Run(map[bool]string{true: "reset", false: "new instance"}[again], func(b *testing.B) {
			p := newPool(b, m, PoolOptions{Instances: 1, Fresh: true, Exited: func(error) bool { return again }})
			b.ReportAllocs()
			for b.Loop() {
				i := get(b, p)
				_ = i.Call(context.Background(), "_start", time.Time{})
				p.Put(i, Clean)
			}
		})
	}
}
