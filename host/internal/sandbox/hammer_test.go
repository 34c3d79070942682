package sandbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Many requests, few instances, every outcome, and a Close in the middle: never
// more than the limit at once, never one in two hands, none lost.
func TestHammer(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		p := guest(t, counter(), PoolOptions{Instances: 3, Queue: 50 * time.Millisecond, Fresh: fresh})
		var inUse, served atomic.Int32
		var holders sync.Map
		var done sync.WaitGroup
		for range 16 {
			done.Go(func() {
				for range 60 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(40_000))*time.Microsecond)
					i, err := p.Get(ctx, time.Time{}, rand.IntN(4) == 0)
					if err != nil {
						if !errors.Is(err, ErrBusy) && !errors.Is(err, context.DeadlineExceeded) && err != ErrClosed {
							t.Error(err)
						}
						cancel()
						continue
					}
					if inUse.Add(1) > 3 {
						t.Error("more instances than the limit")
					}
					if _, taken := holders.LoadOrStore(i, true); taken {
						t.Error("one instance is in two hands")
					}
					handler := []string{"count", "count", "count", "trap"}[rand.IntN(4)]
					err = i.Call(ctx, handler, time.Time{})
					holders.Delete(i)
					inUse.Add(-1)
					if err == nil {
						p.Put(i, Clean)
					} else {
						p.Put(i, Failed)
					}
					if served.Add(1) == 500 {
						p.Close()
					}
					cancel()
				}
			})
		}
		done.Wait()
		p.Close()
		s := p.Stats()
		if s.InUse != 0 || s.Idle != 0 || s.Waiting != 0 || s.Created != s.Discarded {
			t.Errorf("fresh %v: after all: %+v", fresh, s)
		}
		if served.Load() == 0 {
			t.Error("nothing was served")
		}
	}
}

// Thousands of instances leave nothing behind.
func TestNoLeak(t *testing.T) {
	r := newRuntime(t, Options{})
	cycle := func(n int) {
		m, err := r.Load(t.Context(), "guest", counter().Bytes())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Release()
		p := newPool(t, m, PoolOptions{Instances: 2, Fresh: true})
		defer p.Close()
		for range n {
			answers(t, p, "count")
			trap(t, p, "trap", time.Time{})
		}
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	cycle(100)
	before, goroutines := heap(), runtime.NumGoroutine()
	for range 10 {
		cycle(100)
	}
	// Each of the thousand had 64 KiB; a few hundred KiB are the test's own.
	if after := heap(); after > before+(1<<20) {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	waitFor(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= goroutines })
	if m, ok := r.space.(interface{ counted() int64 }); ok && m.counted() != 0 {
		t.Errorf("%d mappings are still counted", m.counted())
	}
	if len(r.codes) != 0 {
		t.Errorf("%d modules are still there", len(r.codes))
	}
	if r.users != 1 {
		t.Errorf("%d users of the engine are left, want the owner", r.users)
	}
}
