package generation

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestCurrentUnderLoad: who acquires a generation holds one that is not retired,
// and each is retired once, after its last holder.
func TestCurrentUnderLoad(t *testing.T) {
	type watched struct {
		*Generation
		inside  atomic.Int64
		retired atomic.Int64
	}
	var (
		current Current
		all     sync.Map // *Generation to *watched
		stop    atomic.Bool
	)
	next := func(n int64) *watched {
		w := &watched{Generation: &Generation{Number: n}}
		w.refs.Store(1)
		w.Generation.retired = func() {
			if n := w.inside.Load(); n != 0 {
				t.Errorf("generation %d is retired with %d requests inside", w.Number, n)
			}
			w.retired.Add(1)
		}
		all.Store(w.Generation, w)
		return w
	}
	var made []*watched
	swap := func() {
		made = append(made, next(int64(len(made)+1)))
		current.Swap(made[len(made)-1].Generation)
	}
	swap()
	var holders sync.WaitGroup
	for range 4 {
		holders.Go(func() {
			last := int64(0)
			for !stop.Load() {
				g := current.Acquire()
				v, _ := all.Load(g)
				w := v.(*watched)
				w.inside.Add(1)
				if g.Number < last {
					t.Errorf("generation %d after %d", g.Number, last)
				}
				last = g.Number
				if w.retired.Load() != 0 {
					t.Errorf("generation %d was retired when it was acquired", g.Number)
				}
				w.inside.Add(-1)
				g.Release()
			}
		})
	}
	for range 2000 {
		swap()
	}
	stop.Store(true)
	holders.Wait()
	current.Swap(nil)
	if g := current.Acquire(); g != nil {
		t.Errorf("generation %d can be acquired when there is none", g.Number)
	}
	for _, w := range made {
		if n := w.retired.Load(); n != 1 {
			t.Fatalf("generation %d was retired %d times", w.Number, n)
		}
	}
}

// TestAcquireRetired: a generation never comes back.
func TestAcquireRetired(t *testing.T) {
	g := new(Generation)
	g.refs.Store(1)
	if !g.acquire() {
		t.Fatal("a generation that is current cannot be acquired")
	}
	g.Release()
	g.Release()
	if g.acquire() {
		t.Error("a retired generation was acquired")
	}
}
