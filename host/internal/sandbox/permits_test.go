package sandbox

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTurn() *turn { return &turn{ready: make(chan bool, 1)} }

// fixedPermits are not changed by the number of processors.
func fixedPermits(n int) *permits {
	return &permits{limit: n, refreshed: time.Now().Add(time.Hour)}
}

func (p *permits) queue() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for t := p.first; t != nil; t = t.next {
		n++
	}
	return n
}

func TestPermitsFor(t *testing.T) {
	for processors, want := range map[int]int{1: 1, 2: 1, 3: 2, 8: 7} {
		if got := permitsFor(processors); got != want {
			t.Errorf("%d processors: %d permits, want %d", processors, got, want)
		}
	}
	if got, want := newPermits().limit, max(1, runtime.GOMAXPROCS(0)-1); got != want {
		t.Errorf("%d permits, want %d", got, want)
	}
}

func TestPermitsAreFirstInFirstOut(t *testing.T) {
	p := fixedPermits(1)
	now := time.Now()
	holder := newTurn()
	if !p.take(holder, time.Time{}, now) {
		t.Fatal("a free permit was not given")
	}
	var order []int
	var done sync.WaitGroup
	for k := range 5 {
		done.Go(func() {
			mine := newTurn()
			if !p.take(mine, time.Time{}, now) {
				t.Error("no permit")
			}
			order = append(order, k) // one at a time has the permit
			p.drop(mine, now)
		})
		waitFor(t, "waiting", func() bool { return p.queue() == k+1 })
	}
	// Its holder goes to the end.
	if !p.pass(holder, time.Time{}, now) {
		t.Error("the holder lost its place")
	}
	order = append(order, 99)
	p.drop(holder, now)
	p.drop(holder, now) // nothing
	done.Wait()
	if !slices.Equal(order, []int{0, 1, 2, 3, 4, 99}) {
		t.Errorf("served in the order %v", order)
	}
	if p.out != 0 || p.first != nil || p.last != nil {
		t.Errorf("left over: %+v", p)
	}
}

func TestPermitIsKeptWhenNobodyWaits(t *testing.T) {
	p := fixedPermits(1)
	holder := newTurn()
	p.take(holder, time.Time{}, time.Now())
	for range 3 {
		if !p.pass(holder, time.Now().Add(-time.Hour), time.Now()) || !holder.held {
			t.Fatal("the permit was lost")
		}
	}
}

// The deadline of who waits ends the wait at the holder's next yield, wherever
// in the queue it stands.
func TestPermitWaitEndsAtDeadline(t *testing.T) {
	p := fixedPermits(1)
	now := time.Now()
	holder := newTurn()
	p.take(holder, time.Time{}, now)
	results := make([]chan bool, 4)
	for k, deadline := range []time.Time{{}, now.Add(time.Second), {}, now.Add(2 * time.Second)} {
		results[k] = make(chan bool, 1)
		go func() {
			mine := newTurn()
			results[k] <- p.take(mine, deadline, now)
			p.drop(mine, now)
		}()
		waitFor(t, "waiting", func() bool { return p.queue() == k+1 })
	}
	p.mu.Lock()
	p.tidy(now.Add(time.Second))
	p.mu.Unlock()
	if <-results[1] {
		t.Error("the second got a permit after its deadline")
	}
	if n := p.queue(); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
	p.mu.Lock()
	p.tidy(now.Add(time.Hour))
	p.mu.Unlock()
	if <-results[3] {
		t.Error("the last got a permit after its deadline")
	}
	if n := p.queue(); n != 2 {
		t.Errorf("%d wait, want 2", n)
	}
	if !p.soonest.IsZero() {
		t.Error("a deadline is left")
	}
	p.drop(holder, now)
	if !<-results[0] || !<-results[2] {
		t.Error("those without a deadline got none")
	}
}

func TestPermitsFollowTheProcessors(t *testing.T) {
	p := fixedPermits(1)
	now := time.Now()
	a, b := newTurn(), newTurn()
	p.take(a, time.Time{}, now)
	got := make(chan bool)
	go func() { got <- p.take(b, time.Time{}, now) }()
	waitFor(t, "waiting", func() bool { return p.queue() == 1 })
	p.mu.Lock()
	p.limit = 2
	p.tidy(now)
	p.mu.Unlock()
	if !<-got {
		t.Error("a permit more was not given")
	}
	// One less: the next to yield stops until another has ended.
	p.mu.Lock()
	p.limit = 1
	p.mu.Unlock()
	go func() { got <- p.pass(b, time.Time{}, now) }()
	waitFor(t, "waiting", func() bool { return p.queue() == 1 })
	p.drop(a, now)
	if !<-got {
		t.Error("the permit was lost")
	}
}

func TestPermitsHammer(t *testing.T) {
	p := fixedPermits(2)
	var out atomic.Int32
	var done sync.WaitGroup
	for k := range 12 {
		done.Go(func() {
			mine := newTurn()
			for n := range 300 {
				var deadline time.Time
				if (n+k)%3 == 0 {
					deadline = time.Now().Add(time.Duration(n%7) * time.Microsecond)
				}
				ok := p.take(mine, deadline, time.Now())
				for range 3 {
					if !ok {
						break
					}
					if out.Add(1) > 2 {
						t.Error("more permits than there are")
					}
					out.Add(-1)
					ok = p.pass(mine, deadline, time.Now())
				}
				if ok != mine.held {
					t.Error("the answer and the turn differ")
				}
				p.drop(mine, time.Now())
			}
		})
	}
	done.Wait()
	if p.out != 0 || p.first != nil || p.last != nil {
		t.Errorf("left over: %d out", p.out)
	}
}

func TestNextSlice(t *testing.T) {
	for _, c := range []struct {
		fuel int64
		took time.Duration
		want int64
	}{
		{200_000, sliceTime, 200_000},
		{200_000, 2 * sliceTime, 100_000},
		{200_000, time.Second, 50_000},
		{200_000, 0, 400_000},
		{200_000, sliceTime / 4, 400_000},
		{3_000_000, 0, sliceMost},
		{sliceLeast, time.Second, sliceLeast},
	} {
		if got := nextSlice(c.fuel, c.took); got != c.want {
			t.Errorf("%d in %s: %d, want %d", c.fuel, c.took, got, c.want)
		}
	}
}

// A slice is what was measured, within a wide margin for busy machines.
func TestCalibrate(t *testing.T) {
	fuel := calibrate(t.Context())
	if fuel == sliceDefault || fuel <= sliceLeast {
		t.Errorf("%d: nothing was measured", fuel)
	}
	t.Logf("%d units of fuel in %s", fuel, sliceTime)
}
