package sandbox

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// counter notes how often it was called in this instance, from memory and from
// a global, and leaves a secret in memory.
func counter() *wt.Module {
	m := wt.New()
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(1, -1)
	g := m.Global(wt.I32, true, wt.I32Const(0))
	m.Handler("count",
		wt.I32Const(64), wt.I32Const(64), wt.I32Load(), wt.I32Const(1), wt.Op(0x6a), wt.I32Store(),
		wt.GlobalGet(g), wt.I32Const(1), wt.Op(0x6a), wt.GlobalSet(g),
		wt.I32Const(64), wt.I32Load(), wt.Call(note),
		wt.GlobalGet(g), wt.Call(note))
	m.Handler("trap", wt.Unreachable())
	return m
}

func (p *Pool) check(t *testing.T, want Stats) {
	t.Helper()
	want.Limit = p.o.Instances
	if got := p.Stats(); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
}

func TestInstancesAreReused(t *testing.T) {
	p := guest(t, counter(), PoolOptions{Instances: 3})
	p.check(t, Stats{Idle: 1, Created: 1})
	for n := range uint64(3) {
		if got := answers(t, p, "count"); !slices.Equal(got, []uint64{n + 1, n + 1}) {
			t.Errorf("call %d counted %v", n, got)
		}
	}
	p.check(t, Stats{Idle: 1, Created: 1})
	// The last one in is the next one out.
	a, b := get(t, p), get(t, p)
	p.check(t, Stats{InUse: 2, Created: 2})
	p.Put(a, Clean)
	p.Put(b, Clean)
	p.check(t, Stats{Idle: 2, Created: 2})
	if got := get(t, p); got != b {
		t.Error("the first one in came out")
	}
	if got := get(t, p); got != a {
		t.Error("the other one did not come out")
	}
}

func TestFreshInstancesAreReset(t *testing.T) {
	forEachReset(t, func(t *testing.T, r *Runtime) {
		p := newPool(t, load(t, r, counter().Bytes()), PoolOptions{Instances: 3, Fresh: true})
		for range 5 {
			if got := answers(t, p, "count"); !slices.Equal(got, []uint64{1, 1}) {
				t.Errorf("an earlier request shows: %v", got)
			}
		}
		p.check(t, Stats{Idle: 1, Created: 1})
	})
}

func TestFailedInstancesAreDiscarded(t *testing.T) {
	p := guest(t, counter(), PoolOptions{Instances: 3})
	answers(t, p, "count")
	trap(t, p, "trap", time.Time{})
	p.check(t, Stats{Created: 1, Discarded: 1})
	if got := answers(t, p, "count"); !slices.Equal(got, []uint64{1, 1}) {
		t.Errorf("a failed instance was used again: %v", got)
	}
	// Clean says the caller, but it trapped.
	i := get(t, p)
	if err := i.Call(t.Context(), "trap", time.Time{}); err == nil {
		t.Fatal("no trap")
	}
	p.Put(i, Clean)
	p.check(t, Stats{Created: 2, Discarded: 2})
}

func TestPutTwicePanics(t *testing.T) {
	p := guest(t, counter(), PoolOptions{})
	other := guest(t, counter(), PoolOptions{})
	i := get(t, p)
	panics := func(f func()) (panicked bool) {
		defer func() { panicked = recover() != nil }()
		f()
		return false
	}
	if !panics(func() { other.Put(i, Clean) }) {
		t.Error("another pool took it")
	}
	p.Put(i, Clean)
	if !panics(func() { p.Put(i, Clean) }) {
		t.Error("it was taken twice")
	}
	p.check(t, Stats{Idle: 1, Created: 1})
}

func TestBusy(t *testing.T) {
	m := load(t, newRuntime(t, Options{}), counter().Bytes())
	p := newPool(t, m, PoolOptions{Instances: 2})
	a := get(t, p)
	get(t, p)
	if _, err := p.Get(t.Context(), time.Time{}, false); err != ErrBusy {
		t.Errorf("without a queue: %v", err)
	}
	p.Put(a, Clean)
	get(t, p)

	p = newPool(t, m, PoolOptions{Instances: 1, Queue: 20 * time.Millisecond})
	get(t, p)
	began := time.Now()
	if _, err := p.Get(t.Context(), time.Time{}, false); err != ErrBusy || time.Since(began) < 20*time.Millisecond {
		t.Errorf("after %s: %v", time.Since(began), err)
	}

	p = newPool(t, m, PoolOptions{Instances: 1, Queue: time.Hour})
	get(t, p)
	if _, err := p.Get(t.Context(), time.Time{}, true); err != ErrBusy {
		t.Errorf("a nested call: %v", err)
	}
	if _, err := p.Get(t.Context(), time.Now().Add(20*time.Millisecond), false); err != context.DeadlineExceeded {
		t.Errorf("with a deadline: %v", err)
	}
	if _, err := p.Get(t.Context(), time.Now().Add(-time.Second), false); err != context.DeadlineExceeded {
		t.Errorf("after the deadline: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := p.Get(ctx, time.Time{}, false); err != context.Canceled {
		t.Errorf("with a context that ends: %v", err)
	}
	if _, err := p.Get(ctx, time.Time{}, false); err != context.Canceled {
		t.Errorf("with a context that has ended: %v", err)
	}
	p.check(t, Stats{InUse: 1, Created: 1})
}

// patience bounds what must happen soon: what does not happen at all is a failure, and
// a slow machine is none.
const patience = 30 * time.Second

// waitFor polls until the condition holds.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not happen", what)
		}
	}
}

func TestQueueIsFirstInFirstOut(t *testing.T) {
	for _, outcome := range []Outcome{Clean, Failed} {
		p := guest(t, counter(), PoolOptions{Instances: 1, Queue: time.Minute})
		held := get(t, p)
		const n = 5
		var order []int
		var done sync.WaitGroup
		for k := range n {
			done.Go(func() {
				i, err := p.Get(t.Context(), time.Time{}, false)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, k) // one at a time has the instance
				p.Put(i, outcome)
			})
			waitFor(t, "waiting", func() bool { return p.Stats().Waiting == k+1 })
		}
		p.Put(held, outcome)
		done.Wait()
		if !slices.IsSorted(order) || len(order) != n {
			t.Errorf("served in the order %v", order)
		}
		if created := p.Stats().Created; outcome == Clean && created != 1 || outcome == Failed && created != n+1 {
			t.Errorf("outcome %v: %d instances were made", outcome, created)
		}
	}
}

func TestCloseSendsWaitersAway(t *testing.T) {
	p := guest(t, counter(), PoolOptions{Instances: 2, Queue: time.Minute})
	held, idle := get(t, p), get(t, p)
	p.Put(idle, Clean)
	idle = get(t, p)
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() {
			_, err := p.Get(context.Background(), time.Time{}, false)
			errs <- err
		}()
	}
	waitFor(t, "waiting", func() bool { return p.Stats().Waiting == cap(errs) })
	p.Close()
	for range cap(errs) {
		if err := <-errs; err != ErrClosed {
			t.Errorf("a waiter got %v", err)
		}
	}
	if _, err := p.Get(t.Context(), time.Time{}, false); err != ErrClosed {
		t.Errorf("Get answers %v", err)
	}
	// What is in use works on, and goes when it is put back.
	if err := held.Call(t.Context(), "count", time.Time{}); err != nil {
		t.Error(err)
	}
	p.Put(held, Clean)
	p.Put(idle, Failed)
	p.Close()
	p.check(t, Stats{Created: 2, Discarded: 2})
}

func TestIdleInstancesAreGivenBack(t *testing.T) {
	p := guest(t, counter(), PoolOptions{Instances: 4})
	all := []*Instance{get(t, p), get(t, p), get(t, p), get(t, p)}
	if p.timer != nil {
		t.Error("a timer runs although nothing is idle")
	}
	for _, i := range all[:3] {
		p.Put(i, Clean)
	}
	if p.timer == nil {
		t.Error("no timer runs")
	}
	p.trim() // all have been needed
	p.check(t, Stats{InUse: 1, Idle: 3, Created: 4})
	// Two are needed again before the timer runs out.
	again := []*Instance{get(t, p), get(t, p)}
	p.Put(again[1], Clean)
	p.Put(again[0], Clean)
	p.trim()
	p.check(t, Stats{InUse: 1, Idle: 2, Created: 4, Discarded: 1})
	p.trim() // all but the last
	p.check(t, Stats{InUse: 1, Idle: 1, Created: 4, Discarded: 2})
	if p.timer != nil {
		t.Error("a timer runs for the last one")
	}
	if i := get(t, p); i != all[2] {
		t.Error("the wrong one was kept")
	}
	p.Put(all[2], Clean)
	p.Put(all[3], Clean)
	p.Close()
	if p.timer != nil {
		t.Error("a timer runs after Close")
	}
}

// A slot that is handed over just when its waiter gives up is used if the request
// goes on, and goes to the next one if not.
func TestServedInTheLastMoment(t *testing.T) {
	p := guest(t, counter(), PoolOptions{Instances: 1, Queue: time.Minute})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx      context.Context
		deadline time.Time
		want     error
	}{
		{t.Context(), time.Time{}, nil},
		{t.Context(), time.Now().Add(-time.Second), context.DeadlineExceeded},
		{over, time.Time{}, context.Canceled},
	} {
		i := get(t, p)
		_, w, err := p.take(false)
		if err != nil || w == nil {
			t.Fatalf("there is no place in the queue: %v", err)
		}
		p.Put(i, Clean)
		if got, err := p.giveUp(c.ctx, c.deadline, w, ErrBusy); err != c.want || (got == i) != (c.want == nil) {
			t.Errorf("got %p and %v, want error %v", got, err, c.want)
		}
		if c.want == nil {
			p.check(t, Stats{InUse: 1, Created: 1})
			p.giveBack(i)
		}
		p.check(t, Stats{Idle: 1, Created: 1})
	}
	// Not served: it leaves the queue.
	i := get(t, p)
	_, w, _ := p.take(false)
	if _, err := p.giveUp(t.Context(), time.Time{}, w, ErrBusy); err != ErrBusy {
		t.Errorf("error is %v", err)
	}
	p.Put(i, Clean)
	p.check(t, Stats{Idle: 1, Created: 1})
}
