package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// A guest that hears TIMEOUT or CLOSED from a host function gets to its next one,
// however long it has computed before, and is ended soon after.
func TestToldBeforeEnded(t *testing.T) {
	for _, code := range []abi.Code{abi.Timeout, abi.Closed} {
		told, said, deadline := false, 0, time.Time{}
		ctx, leave := context.WithCancel(t.Context())
		r := newRuntime(t, Options{Imports: []Import{
			{Module: "test", Name: "wait", Result: abi.I32, Call: func(_ context.Context, _ []byte, stack []uint64) {
				if told = true; code == abi.Closed {
					leave()
				} else {
					time.Sleep(time.Until(deadline))
				}
				stack[0] = uint64(uint32(code))
			}},
			{Module: "test", Name: "say", Quick: true, Call: func(context.Context, []byte, []uint64) { said++ }},
		}})
		m := wt.New()
		wait := m.Import("test", "wait", nil, wt.Type{wt.I32})
		say := m.Import("test", "say", nil, nil)
		m.Memory(1, 1)
		m.Handler("run",
			// Count to three million, which is many slices.
			wt.Loop(
				wt.I32Const(8), wt.I32Const(8), wt.I32Load(), wt.I32Const(1), wt.Op(0x6a), wt.I32Store(),
				wt.I32Const(8), wt.I32Load(), wt.I32Const(3_000_000), wt.Op(0x48), wt.BrIf(0)),
			wt.Call(wait), wt.Drop(), wt.Call(say), wt.Forever())
		p := newPool(t, load(t, r, m.Bytes()), PoolOptions{Instances: 1, Fresh: true})
		var err error
		for left := time.Second; !told && left < time.Minute; left *= 4 { // more when the machine is too slow to count
			i := get(t, p)
			deadline = time.Now().Add(left)
			err = i.Call(ctx, "run", deadline)
			p.Put(i, Failed)
		}
		leave()
		var trap *Trap
		if !errors.As(err, &trap) || trap.Kind == Trapped {
			t.Errorf("%v: the guest ended with %v", code, err)
		}
		if said != 1 {
			t.Errorf("%v: it said something %d times; want once", code, said)
		}
	}
}
