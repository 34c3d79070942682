package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// why returns how many instances were discarded, by reason.
func (c *Counters) why() map[string]uint64 {
	all := map[string]uint64{}
	for i := range c.Discarded {
		if n := c.Discarded[i].Load(); n > 0 {
			all[Reason(i).String()] = n
		}
	}
	return all
}

// Each way for an instance to end has its reason, and pools add to what is there.
func TestDiscardReasons(t *testing.T) {
	m := counter()
	m.Handler("grow", wt.I32Const(1000), wt.MemoryGrow(), wt.Drop(), wt.Unreachable())
	m.Handler("spin", wt.Loop(wt.Br(0)))
	c := new(Counters)
	p := guest(t, m, PoolOptions{Instances: 2, Fresh: true, Memory: 1 << 20, Counters: c})
	answers(t, p, "count")
	trap(t, p, "trap", time.Time{})
	trap(t, p, "grow", time.Time{})
	trap(t, p, "spin", time.Now().Add(10*time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	_ = once(ctx, t, p, "spin", time.Time{})
	p.Put(get(t, p), Failed)
	p.Put(get(t, p), Clean)
	p.Close()
	want := map[string]uint64{"trap": 1, "memory": 1, "deadline": 1, "canceled": 1, "host": 1, "closed": 1}
	got := c.why()
	for reason, n := range want {
		if got[reason] != n {
			t.Errorf("discarded for %s: %d, want %d", reason, got[reason], n)
		}
	}
	if len(got) != len(want) || c.Created.Load() != 6 || c.Resets.Load() != 1 {
		t.Errorf("discarded %v, created %d, reset %d", got, c.Created.Load(), c.Resets.Load())
	}

	fresh := wt.New().Memory(1, 1)
	fresh.Handler("get")
	notReset(fresh)
	p = guest(t, fresh, PoolOptions{Fresh: true, Counters: c})
	if err := once(t.Context(), t, p, "get", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n := c.why()["no_reset"]; n != 1 || c.Resets.Load() != 1 {
		t.Errorf("%d discarded by design, %d resets", n, c.Resets.Load())
	}
}

// What a request has written is counted where the system can tell.
func TestDirtyIsCounted(t *testing.T) {
	forEachReset(t, func(t *testing.T, r *Runtime) {
		m := wt.New().Memory(4, 4)
		m.Handler("write", wt.I32Const(8), wt.I32Const(5), wt.I32Store(), wt.I32Const(200_000), wt.I32Const(5), wt.I32Store())
		c := new(Counters)
		p := newPool(t, load(t, r, m.Bytes()), PoolOptions{Fresh: true, Counters: c})
		for range 3 {
			if err := once(t.Context(), t, p, "write", time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		_, tells := get(t, p).memory.region.(interface{ written() int })
		if n := c.Dirty.Load(); tells && (n < 6*4096 || n > 12*65536) || !tells && n != 0 {
			t.Errorf("%d bytes found written", n)
		}
	})
}

func TestWaitsAreCounted(t *testing.T) {
	c := new(Counters)
	p := guest(t, counter(), PoolOptions{Instances: 1, Queue: 20 * time.Millisecond, Counters: c})
	held := get(t, p)
	if _, err := p.Get(t.Context(), time.Time{}, true); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	if c.Waits.Load() != 0 || c.Busy.Load() != 1 {
		t.Errorf("nested: %d waits, %d busy", c.Waits.Load(), c.Busy.Load())
	}
	if _, err := p.Get(t.Context(), time.Time{}, false); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	p.o.Queue = time.Minute
	served := waits(t, p)
	p.Put(held, Clean)
	p.Put(<-served, Clean)
	if c.Waits.Load() != 2 || c.Busy.Load() != 2 || time.Duration(c.Waited.Load()) < 20*time.Millisecond {
		t.Errorf("%d waits of %v, %d busy", c.Waits.Load(), time.Duration(c.Waited.Load()), c.Busy.Load())
	}
}
