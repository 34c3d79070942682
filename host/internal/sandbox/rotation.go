package sandbox

import "time"

// The one used last is the best to use next, but for one thing: to reset it the
// kernel must be asked what has happened since, and that is most of what a reset of
// a small guest costs. One answer holds for all instances that were back by then. So
// a busy pool keeps some, and takes one that the last answer is about already.

// Bounds of that.
const (
	rotationMost  = 6   // instances that take turns
	rotationAfter = 256 // questions within rotationTime, and there is one instance more
	rotationTime  = time.Second
)

// rotation counts what asking costs. Pool.mu guards it.
type rotation struct {
	asked  int       // questions since
	since  time.Time // zero: none
	frozen bool      // no more instances are to be had
}

// choose returns the place in p.idle of the instance to use, -1 for a new one.
// p.mu is held, and the caller's slot is counted.
func (p *Pool) choose() int {
	top := len(p.idle) - 1
	space := p.code.runtime.space
	for at := top; at >= 0 && at > top-rotationMost; at-- {
		if i := p.idle[at]; !i.spent || space.settled(i.left) {
			return at
		}
	}
	if top >= 0 && top+1 < rotationMost && p.mayMake() && p.inUse+len(p.idle) <= p.o.Instances && p.rotation.grow() {
		return -1
	}
	return top
}

// grow counts a question and reports whether another instance is worth its memory.
func (s *rotation) grow() bool {
	if s.asked++; s.asked < rotationAfter || s.frozen {
		return false
	}
	now := time.Now()
	busy := !s.since.IsZero() && now.Sub(s.since) < rotationTime
	s.asked, s.since = 0, now
	return busy
}

// contract is called when an instance could not be made. It reports whether others
// are idle, gives the slot back then, and has the pool ask for no more of them.
func (p *Pool) contract() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return false
	}
	p.rotation.frozen = true
	p.inUse--
	return true
}
