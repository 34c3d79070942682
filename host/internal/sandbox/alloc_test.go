//go:build !race

package sandbox

import (
	"context"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// A request costs the sandbox no allocation: Get, Call under a deadline with some
// host calls and yields, and Put with the reset.
func TestNoAllocations(t *testing.T) {
	m := wt.New()
	quick := m.Import("test", "quick", wt.Type{wt.I32}, wt.Type{wt.I32})
	slow := m.Import("test", "slow", nil, nil)
	m.Memory(2, -1)
	m.Global(wt.I64, true, wt.I64Const(1))
	m.Handler("small",
		wt.I32Const(8), wt.I32Const(5), wt.I32Store(),
		wt.I32Const(70_000), wt.I32Const(5), wt.I32Store(),
		wt.I32Const(1), wt.Call(quick), wt.Drop(), wt.Call(slow))
	m.Handler("grows", wt.I32Const(1), wt.MemoryGrow(), wt.Drop())
	m.Handler("long", wt.I32Const(4), wt.I32Const(400_000), wt.I32Store(), wt.Loop( // some slices
		wt.I32Const(4), wt.I32Const(4), wt.I32Load(), wt.I32Const(1), wt.Op(0x6b), wt.I32Store(),
		wt.I32Const(4), wt.I32Load(), wt.BrIf(0)), wt.Call(slow))
	imports := []Import{
		{Module: "test", Name: "quick", Params: []abi.Type{abi.I32}, Result: abi.I32, Quick: true, Call: func(context.Context, []byte, []uint64) {}},
		{Module: "test", Name: "slow", Call: func(context.Context, []byte, []uint64) {}},
	}
	for _, mode := range []ResetMode{ResetByScan, ResetByTable, ResetByCopy} {
		t.Run(string(mode), func(t *testing.T) {
			r := newRuntime(t, Options{Reset: here(t, mode), Imports: imports})
			p := newPool(t, load(t, r, m.Bytes()), PoolOptions{Fresh: true, Alive: func(context.Context) bool { return true }})
			ctx := context.Background()
			for _, handler := range []string{"small", "long", "grows"} {
				if handler == "grows" && mode == ResetByCopy {
					continue // the heap allocates what it grows to
				}
				allocs := testing.AllocsPerRun(200, func() {
					deadline := time.Now().Add(patience)
					i, err := p.Get(ctx, deadline, false)
					if err != nil {
						t.Fatal(err)
					}
					if err := i.Call(ctx, handler, deadline); err != nil {
						t.Fatal(err)
					}
					p.Put(i, Clean)
				})
				if allocs != 0 {
					t.Errorf("%s: %v allocations per request, want none", handler, allocs)
				}
			}
		})
	}
}
