package sandbox

import (
	"slices"
	"time"
)

// The idle instances of a pool: a stack, so that those at its bottom grow old
// when fewer are needed than before. One timer, armed only while some are there
// that may be given back, trims it.

// rest puts an instance on the stack. p.mu is held.
func (p *Pool) rest(i *Instance) {
	i.since = time.Now()
	p.idle = append(p.idle, i)
	p.arm()
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
	return i
}

// arm starts the timer unless it runs or there is nothing to trim. p.mu is held.
func (p *Pool) arm() {
	if p.timer == nil && len(p.idle) > 1 {
		p.timer = time.AfterFunc(time.Until(p.idle[0].since.Add(idleAfter)), func() { p.trim(time.Now()) })
	}
}

// stopTimer stops the timer; a trim that has begun finds nothing. p.mu is held.
func (p *Pool) stopTimer() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// trim closes what lay idle since long before now, all but the one used last.
func (p *Pool) trim(now time.Time) {
	p.mu.Lock()
	p.stopTimer()
	n := 0
	for n < len(p.idle)-1 && now.Sub(p.idle[n].since) >= idleAfter {
		n++
	}
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.arm()
	p.mu.Unlock()
	for _, i := range old {
		p.discard(i)
	}
	if n > 0 {
		p.o.Log.Debug("idle instances closed", "plugin", p.o.Name, "count", n)
	}
}
