package sandbox

import (
	"container/list"
	"context"
	"time"
)

// The queue of a pool: instances go from hand to hand, never back to the pool while
// somebody waits, so that a newcomer cannot overtake.

// waiter is a call of Get that waits.
type waiter struct {
	place *list.Element // in Pool.waiting; guarded by Pool.mu, nil once served
	// result receives one value: the slot with its instance, nil when one must
	// be made, or the end. Its buffer lets the giver go on at once.
	result chan slot
}

type slot struct {
	instance *Instance
	err      error
}

// enqueue adds a waiter at the end. p.mu is held.
func (p *Pool) enqueue() *waiter {
	w := &waiter{result: make(chan slot, 1)}
	w.place = p.waiting.PushBack(w)
	return w
}

// handOver gives the caller's slot to the first waiter, without an instance also
// the place of a maker, and reports whether there was one. p.mu is held.
func (p *Pool) handOver(i *Instance) bool {
	w := p.next()
	if w == nil {
		return false
	}
	if i == nil {
		p.make()
	}
	w.result <- slot{instance: i}
	return true
}

// dismiss sends all waiters away. p.mu is held.
func (p *Pool) dismiss() {
	for w := p.next(); w != nil; w = p.next() {
		w.result <- slot{err: ErrClosed}
	}
}

// next takes the first waiter out of the queue. p.mu is held.
func (p *Pool) next() *waiter {
	e := p.waiting.Front()
	if e == nil {
		return nil
	}
	w := p.waiting.Remove(e).(*waiter)
	w.place = nil
	return w
}

// leave takes a waiter out of the queue for a reason, and reports whether it was still
// there. If not, its result is sent. The reason is nil when it has got a slot and the
// place of a maker: busy are only instances that are in use, and there is one less than
// there may be. It has waited for a maker, and not for long on a machine that is well.
func (p *Pool) leave(w *waiter, reason error) (left bool, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.place == nil {
		return false, nil
	}
	p.waiting.Remove(w.place)
	w.place = nil
	if reason == ErrBusy && p.inUse < p.o.Instances {
		p.inUse++
		p.make()
		return true, nil
	}
	return true, reason
}

// wait waits for a slot. Without an error the caller has one, with its instance
// or nil.
func (p *Pool) wait(ctx context.Context, deadline time.Time, w *waiter) (*Instance, error) {
	start := time.Now()
	defer func() { p.waited(start) }()
	limit := start.Add(p.o.Queue)
	reason := error(ErrBusy)
	if !deadline.IsZero() && deadline.Before(limit) {
		limit, reason = deadline, context.DeadlineExceeded
	}
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case s := <-w.result:
		return s.instance, s.err
	case <-timer.C:
	case <-ctx.Done():
		reason = ctx.Err()
	}
	return p.giveUp(ctx, deadline, w, reason)
}

// giveUp ends a wait for a reason, unless a slot has come in the same moment or is free.
func (p *Pool) giveUp(ctx context.Context, deadline time.Time, w *waiter, reason error) (*Instance, error) {
	if left, why := p.leave(w, reason); left {
		return nil, why
	}
	// Served all the same. Being late in line is no harm, but nobody is
	// there any more to use the slot after the end of the request.
	s := <-w.result
	if s.err != nil {
		return nil, s.err
	}
	if err := ended(ctx, deadline); err != nil {
		p.giveBack(s.instance)
		if s.instance == nil {
			p.made()
		}
		return nil, err
	}
	return s.instance, nil
}
