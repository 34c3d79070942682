package sandbox

import (
	"slices"
	"time"
)

// The idle instances of a pool: a stack, so that those at its bottom are not
// touched when fewer are needed than before. A timer, set only while some are there
// that may be given back, closes those that nobody needed since it was set. So
// nothing has to look at the clock at each request.

// idleAfter is how long an instance may lie unused; it may be twice as long before
// it is closed. The one used last is kept longer, so that a plugin that is asked
// rarely still answers at once.
const idleAfter = time.Minute

// rest puts an instance on the stack. p.mu is held.
func (p *Pool) rest(i *Instance) {
	i.needed = true
	p.idle = append(p.idle, i)
	if p.timer == nil {
		p.arm()
	}
}

// wake takes an instance off the stack, nil when one is to be made. p.mu is held.
func (p *Pool) wake() *Instance {
	at := p.choose()
	if at < 0 {
		return nil
	}
	i := p.idle[at]
	p.idle = slices.Delete(p.idle, at, at+1)
	return i
}

// arm sets the timer if there may be something to trim. p.mu is held.
func (p *Pool) arm() {
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

// trim closes what nobody needed since the last time, all but the one on top.
func (p *Pool) trim() {
	p.mu.Lock()
	p.stopTimer()
	var kept, old []*Instance
	for k, i := range p.idle {
		if i.needed || k == len(p.idle)-1 {
			i.needed = false
			kept = append(kept, i)
		} else {
			old = append(old, i)
		}
	}
	p.idle = kept
	p.arm()
	p.mu.Unlock()
	for _, i := range old {
		p.discard(i, ByIdleness)
	}
	if len(old) > 0 {
		p.o.Log.Debug("idle instances closed", "plugin", p.o.Name, "count", len(old))
	}
}
