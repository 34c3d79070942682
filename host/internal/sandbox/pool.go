package sandbox

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Outcome is how a request left its instance.
type Outcome int

const (
	// Failed: its memory cannot be trusted. After any error of Call, or when
	// the caller does not know.
	Failed Outcome = iota
	// Clean: the handler returned.
	Clean
)

// Pool hands out instances of one module, at most PoolOptions.Instances at a
// time. The one that was used last is handed out first, because its memory is
// still in the processor's caches; who waits is served in order of arrival. All
// methods may be called from any goroutine.
type Pool struct {
	code *code
	o    PoolOptions
	from *snapshot // what instances start from; nil: each initialises itself

	counters *Counters

	mu        sync.Mutex
	closed    bool
	inUse     int         // slots taken: instances handed out or being made
	idle      []*Instance // the last one is used next; inUse + len(idle) <= Instances
	rotation  rotation
	waiting   list.List // of *waiter; not empty only while inUse == Instances or making > 0
	making    int       // instances being made from the image; see make.go
	created   int
	discarded int
	timer     *time.Timer // trims idle; nil while none is due
}

// Stats is a moment of a pool. Created - Discarded instances are alive.
type Stats struct {
	Limit   int // PoolOptions.Instances
	InUse   int // handed out, or being made
	Idle    int
	Waiting int // calls of Get that wait

	Created   int // since the pool was made
	Discarded int // closed: failed, used up, or idle for too long
}

// NewPool makes a pool and its first instance, so that a module that does not
// initialise shows at once. The caller closes the pool, and keeps the module
// until then. A module that starts with more memory than it may have is
// ErrRefused; an *InitError says what failed in initialisation.
func (m *Module) NewPool(ctx context.Context, o PoolOptions) (*Pool, error) {
	if o.Instances < 1 {
		return nil, fmt.Errorf("instances is %d, the least is 1", o.Instances)
	}
	if o.Memory == 0 {
		o.Memory = 1 << 32
	}
	if o.Resident == 0 {
		o.Resident = 1 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if info := m.Info(); info.MemoryMin > o.Memory {
		return nil, refusef("the module starts with %s of memory and its limit is %s; raise memory for this plugin",
			formatSize(info.MemoryMin), formatSize(o.Memory))
	}
	p := &Pool{code: m.code, o: o, counters: o.Counters}
	if p.counters == nil {
		p.counters = new(Counters)
	}
	p.waiting.Init()
	first, err := p.create(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	if err := p.snapshot(first); err != nil {
		p.discard(first, ByReset)
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest(first)
	return p, nil
}

// snapshot takes the image that all instances start from, if the module allows
// for it. The instance it is taken of becomes one of them.
func (p *Pool) snapshot(first *Instance) error {
	if why := p.code.info.NoReset; why != "" {
		if p.o.Fresh {
			p.o.Log.Warn("every request gets a new instance, which is slow: the plugin cannot be reset to an image",
				"plugin", p.o.Name, "reason", why)
		}
		return nil
	}
	s, err := capture(first)
	if err != nil {
		return err
	}
	if err := s.attach(first); err != nil {
		s.drop()
		return err
	}
	p.from = s
	return nil
}

// create makes an instance. Without an image to start from it runs guest code.
// Not under p.mu.
func (p *Pool) create(ctx context.Context, deadline time.Time) (*Instance, error) {
	i, err := instantiate(p.code, &p.o, p.from)
	if err != nil {
		return nil, err
	}
	if p.from == nil {
		if err := i.initialise(ctx, &p.o, deadline); err != nil {
			i.close()
			return nil, err
		}
	}
	i.pool = p
	p.counters.Created.Add(1)
	p.mu.Lock()
	p.created++
	p.mu.Unlock()
	return i, nil
}

// discard closes an instance, which must be in no list any more. Not under p.mu.
func (p *Pool) discard(i *Instance, why Reason) {
	i.close()
	p.counters.Discarded[why].Add(1)
	p.mu.Lock()
	p.discarded++
	p.mu.Unlock()
}

// Get takes an instance out of the pool; Put must follow. When all are in use it
// waits in line, at most PoolOptions.Queue and not past deadline (zero: none).
// nested calls, made while another instance is held, never wait, because
// whoever they wait for could be waiting for them.
//
// Errors: ErrBusy when none became free in time; context.DeadlineExceeded when
// the deadline came first (an instance that is there is given out all the same, and
// ends the guest at its first look at the clock); ErrClosed; ctx's error when it ended; or why an
// instance could not be made, an *InitError among them.
func (p *Pool) Get(ctx context.Context, deadline time.Time, nested bool) (*Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	i, w, err := p.take(nested)
	if err != nil {
		return nil, p.refused(err)
	}
	began := time.Time{}
	if i == nil {
		began = time.Now()
	}
	if w != nil {
		if i, err = p.wait(ctx, deadline, w); err != nil {
			return nil, p.refused(err)
		}
	}
	// The slot is ours from here on, and so is the place of a maker.
	maker := i == nil
	if i != nil && i.spent && !p.reset(i) {
		p.discard(i, ByReset)
		i = nil
	}
	if i == nil {
		i, err = p.create(ctx, deadline)
		if maker {
			p.made()
		}
		if err != nil {
			if p.contract() { // it was one more than needed
				return p.Get(ctx, deadline, nested)
			}
			p.giveBack(nil)
			return nil, err
		}
	}
	i.queued = 0
	if !began.IsZero() {
		i.queued = time.Since(began)
	}
	i.out.Store(true)
	return i, nil
}

// ended returns why a request must not go on, nil when it may.
func ended(ctx context.Context, deadline time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !deadline.IsZero() && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// take takes a slot, with an idle instance when there is one and the place of a
// maker when there is none, or a place in the queue.
func (p *Pool) take(nested bool) (*Instance, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, nil, ErrClosed
	case p.inUse < p.o.Instances && (len(p.idle) > 0 || p.mayMake() || nested || p.o.Queue <= 0):
		p.inUse++
		i := p.wake()
		if i == nil {
			p.make()
		}
		return i, nil, nil
	case nested || p.o.Queue <= 0:
		return nil, nil, ErrBusy
	}
	return nil, p.enqueue(), nil
}

// Put gives an instance back that Get returned, once. A failed one is closed. One
// of a Fresh pool is reset before it serves again, or closed if that is not
// possible. Putting one back twice, or into another pool, panics: two requests
// would share its memory.
func (p *Pool) Put(i *Instance, o Outcome) {
	if i.pool != p || !i.out.CompareAndSwap(true, false) {
		panic(errors.New("sandbox: an instance was put back that the pool had not given out"))
	}
	if keep, why := p.fate(i, o); !keep {
		p.discard(i, why)
		i = nil
	}
	p.giveBack(i)
}

// giveBack frees a slot, or hands it to who waits longest, with the instance
// that was in it, if it is still good.
func (p *Pool) giveBack(i *Instance) {
	p.mu.Lock()
	switch {
	case i == nil && !p.mayMake(): // who waits is next when the one being made is there
		p.inUse--
	case p.handOver(i):
		i = nil
	case p.closed:
		p.inUse--
	default:
		p.inUse--
		if i != nil {
			p.rest(i)
			i = nil
		}
	}
	p.mu.Unlock()
	if i != nil {
		p.discard(i, ByClose)
	}
}

// Stats returns the pool's counters at this moment.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{
		Limit: p.o.Instances, InUse: p.inUse, Idle: len(p.idle), Waiting: p.waiting.Len(),
		Created: p.created, Discarded: p.discarded,
	}
}

// Close ends the pool: idle instances are closed now, those in use when they are
// put back. Who waits gets ErrClosed. Closing again does nothing.
func (p *Pool) Close() {
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.stopTimer()
	p.dismiss()
	p.mu.Unlock()
	for _, i := range idle {
		p.discard(i, ByClose)
	}
	if p.from != nil && !closed {
		p.from.drop()
	}
}
