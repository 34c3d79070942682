package sandbox

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// makers takes all places of makers, as if that many instances were being made.
func (p *Pool) makers(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.inUse++
		p.make()
	}
}

// waits calls Get, which has to wait, and returns what will come of it.
func waits(t *testing.T, p *Pool) <-chan *Instance {
	t.Helper()
	before := p.Stats().Waiting
	got := make(chan *Instance, 1)
	go func() {
		i, err := p.Get(context.Background(), time.Time{}, false)
		if err != nil {
			t.Error(err)
		}
		got <- i
	}()
	waitFor(t, "waiting", func() bool { return p.Stats().Waiting == before+1 })
	return got
}

func TestWhoFindsAllMakersBusyWaits(t *testing.T) {
	n := makersFor(runtime.GOMAXPROCS(0))
	p := guest(t, counter(), PoolOptions{Instances: n + 8, Queue: time.Minute, Fresh: true})
	held := get(t, p)
	p.makers(n)
	first, second, third := waits(t, p), waits(t, p), waits(t, p)

	p.Put(held, Clean)
	if got := <-first; got != held {
		t.Error("the one that was put back has not gone to who waited longest")
	}
	p.made()
	made := <-second
	if made == held {
		t.Error("two have the same instance")
	}
	<-third // the one before it was made, so that was its turn
	p.check(t, Stats{InUse: n + 3, Created: 3})

	// A nested call and one that may not wait make their own.
	p.makers(1)
	if _, err := p.Get(t.Context(), time.Time{}, true); err != nil {
		t.Errorf("a nested call: %v", err)
	}
	p.o.Queue = 0
	if _, err := p.Get(t.Context(), time.Time{}, false); err != nil {
		t.Errorf("without a queue: %v", err)
	}
	if p.making != n {
		t.Errorf("%d are being made, expected the %d that never end", p.making, n)
	}
}

// Nobody is told that all instances are busy while there may be more of them.
func TestMakersAreNotWaitedForTooLong(t *testing.T) {
	n := makersFor(runtime.GOMAXPROCS(0))
	p := guest(t, counter(), PoolOptions{Instances: n + 2, Queue: time.Millisecond, Fresh: true})
	get(t, p)
	p.makers(n)
	get(t, p)
	p.check(t, Stats{InUse: n + 2, Created: 2})
	if p.making != n {
		t.Errorf("%d are being made, expected the %d that never end", p.making, n)
	}
	if _, err := p.Get(t.Context(), time.Time{}, false); err != ErrBusy {
		t.Errorf("at the limit: %v", err)
	}
}

// A failed instance leaves its slot, not its place in line: the next is made when a
// maker is through.
func TestFailedWhileAllMakersAreBusy(t *testing.T) {
	n := makersFor(runtime.GOMAXPROCS(0))
	p := guest(t, counter(), PoolOptions{Instances: n + 1, Queue: time.Minute, Fresh: true})
	held := get(t, p)
	p.makers(n)
	first := waits(t, p)
	p.Put(held, Failed)
	p.check(t, Stats{InUse: n, Waiting: 1, Created: 1, Discarded: 1})
	p.made()
	<-first
	p.check(t, Stats{InUse: n + 1, Created: 2, Discarded: 1})
}

// Who has left when the place of a maker comes passes it on.
func TestMakerThatIsGone(t *testing.T) {
	n := makersFor(runtime.GOMAXPROCS(0))
	p := guest(t, counter(), PoolOptions{Instances: n + 2, Queue: time.Minute, Fresh: true})
	get(t, p)
	p.makers(n)
	p.mu.Lock()
	gone := p.enqueue()
	p.mu.Unlock()
	last := waits(t, p)
	p.made()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.giveUp(ctx, time.Time{}, gone, ErrBusy); err != context.Canceled {
		t.Errorf("who is gone gets %v", err)
	}
	<-last
	p.check(t, Stats{InUse: n + 2, Created: 2})
}

// Instances that cannot be reset initialise themselves, with code that may wait.
func TestMakersWithoutImage(t *testing.T) {
	p := guest(t, counter(), PoolOptions{Instances: 4, Queue: time.Minute})
	p.from.drop()
	p.from = nil
	get(t, p)
	p.makers(2)
	if !p.mayMake() {
		t.Error("no other instance may be made meanwhile")
	}
	get(t, p)
}
