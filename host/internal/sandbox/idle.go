package sandbox

import (
	"slices"
	"time"
)

// The idle instances of a pool: a stack, so that those at its bottom are not
// touched when fewer are needed than before. A timer, set only while some are there
// that may be given back, looks how deep the stack was at its least since then:
// what lay below nobody needed. So nothing has to look at the clock at each request.

// idleAfter is how long an instance may lie unused; it may be twice as long before
// it is closed. The one used last is kept longer, so that a plugin that is asked
// rarely still answers at once.
const idleAfter = time.Minute

// rest puts an instance on the stack. p.mu is held.
func (p *Pool) rest(i *Instance) {
	p.idle = append(p.idle, i)
	if p.timer == nil {
		p.arm()
	}
}

// wake takes the instance used last, nil when there is none. p.mu is held.
func (p *Pool) wake() *Instance {
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	i := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.unused = min(p.unused, n-1)
	return i
}

// arm sets the timer if there may be something to trim. p.mu is held.
func (p *Pool) arm() {
	p.unused = len(p.idle)
	if len(p.idle) > 1 {
		p.timer = time.AfterFunc(idleAfter, p.trim)
	}
}

// stopTimer stops the timer; a trim that has begun finds nothing. p.mu is held.
func (p *Pool) stopTimer() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// trim closes what nobody needed since the timer was set, all but the one used
// last.
func (p *Pool) trim() {
	p.mu.Lock()
	p.stopTimer()
	n := max(0, min(p.unused, len(p.idle)-1))
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.arm()
	p.mu.Unlock()
	for _, i := range old {
		p.discard(i, ByIdleness)
	}
	if n > 0 {
		p.o.Log.Debug("idle instances closed", "plugin", p.o.Name, "count", n)
	}
}
