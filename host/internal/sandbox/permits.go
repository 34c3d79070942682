package sandbox

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// permits keep one processor free of guests that compute for long. Go code gives
// way when it is asked to, machine code of a guest only at its next yield, and
// with every processor busy in guests the network is looked at too rarely. So a
// guest past its first slice needs a permit, passes it on at each yield, and
// there is one permit less than there are processors.
//
// Who waits is served in order of arrival. As long as somebody waits all permits
// are out, and each holder comes by at the end of its slice: it also sends away
// those whose deadline has passed, so that waiting takes no timer.
type permits struct {
	tight       atomic.Bool // there is no processor without a permit
	mu          sync.Mutex
	limit       int // at most this many are out
	out         int
	refreshed   time.Time // when limit was last compared with the processors
	first, last *turn     // who waits
	soonest     time.Time // the earliest deadline of those who wait; zero: none
}

// turn is one guest's claim to a permit. It is used again for each call.
type turn struct {
	held     bool      // touched by the guest's goroutine only
	ready    chan bool // holds one: true is a permit, false that the deadline passed
	deadline time.Time // zero: none; guarded by permits.mu while it waits
	next     *turn     // guarded by permits.mu
}

// processorsEvery is how often the number of processors is looked at. It follows
// the limits of a container, which may change.
const processorsEvery = time.Second

func newPermits() *permits {
	p := &permits{}
	p.count(time.Now())
	return p
}

// count looks at the processors. p.mu is held.
func (p *permits) count(now time.Time) {
	processors := runtime.GOMAXPROCS(0)
	p.limit, p.refreshed = permitsFor(processors), now
	p.tight.Store(p.limit >= processors)
}

// permitsFor returns how many guests may compute at once on that many processors.
func permitsFor(processors int) int { return max(1, processors-1) }

// take waits for a permit. Without one the deadline has passed.
func (p *permits) take(t *turn, deadline, now time.Time) bool {
	p.mu.Lock()
	p.tidy(now)
	if p.first == nil && p.out < p.limit {
		p.out++
		p.mu.Unlock()
		t.held = true
		return true
	}
	return p.wait(t, deadline)
}

// pass lets who waits go first. Nobody waiting, the permit is kept. Without one
// at the end, the deadline has passed.
func (p *permits) pass(t *turn, deadline, now time.Time) bool {
	p.mu.Lock()
	p.tidy(now)
	if p.first == nil && p.out <= p.limit {
		p.mu.Unlock()
		return true
	}
	p.out--
	t.held = false
	return p.wait(t, deadline)
}

// drop gives a permit back, if there is one.
func (p *permits) drop(t *turn, now time.Time) {
	if !t.held {
		return
	}
	t.held = false
	p.mu.Lock()
	p.out--
	p.tidy(now)
	p.mu.Unlock()
}

// wait joins the queue and waits. p.mu is held, and released.
func (p *permits) wait(t *turn, deadline time.Time) bool {
	t.deadline, t.next = deadline, nil
	if p.last == nil {
		p.first = t
	} else {
		p.last.next = t
	}
	p.last = t
	p.soonest = earlier(p.soonest, deadline)
	p.grant()
	p.mu.Unlock()
	t.held = <-t.ready
	return t.held
}

// tidy sends away who waited too long and gives out what is free. p.mu is held.
func (p *permits) tidy(now time.Time) {
	if now.Sub(p.refreshed) >= processorsEvery {
		p.count(now)
	}
	if !p.soonest.IsZero() && !now.Before(p.soonest) {
		p.expire(now)
	}
	p.grant()
}

// expire sends away those whose deadline has passed. p.mu is held.
func (p *permits) expire(now time.Time) {
	rest := p.first
	p.first, p.last, p.soonest = nil, nil, time.Time{}
	for t := rest; t != nil; t = rest {
		rest, t.next = t.next, nil
		if !t.deadline.IsZero() && !now.Before(t.deadline) {
			t.ready <- false
			continue
		}
		if p.last == nil {
			p.first = t
		} else {
			p.last.next = t
		}
		p.last = t
		p.soonest = earlier(p.soonest, t.deadline)
	}
}

// grant gives free permits to who waits longest. p.mu is held.
func (p *permits) grant() {
	for p.out < p.limit && p.first != nil {
		t := p.first
		p.first, t.next = t.next, nil
		if p.first == nil {
			p.last = nil
		}
		p.out++
		t.ready <- true
	}
}
