package sandbox

import (
	"context"
	"runtime"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/meter"
)

// aliveEvery is how often PoolOptions.Alive is asked during one call.
const aliveEvery = 20 * time.Millisecond

// hostCallsPerLook is after how many host calls the clock is looked at. A guest
// that does nothing else uses its fuel up slowly.
const hostCallsPerLook = 64

// callContext is what one call carries along. The engine hands it to yield and to
// host functions, which is all it is a context for. It belongs to an instance and
// is used again, so that a call allocates nothing.
//
// It implements context.Context by the one that Call was given, but for Value:
// the engine asks for values at every call and would find none.
type callContext struct {
	context.Context
	instance *Instance
	entry    *entry    // what was called
	deadline time.Time // zero: none
	slice    int64     // fuel of the slice that runs
	began    time.Time // when it did; zero for the first one, which is not measured
	looked   time.Time // when alive was asked last
	calls    uint8     // of host functions
	told     bool      // a host function has answered TIMEOUT or CLOSED
	grace    bool      // the next yield ends nothing: the guest has just been told
	turn     turn
}

// Value returns nil.
func (*callContext) Value(any) any { return nil }

// begin makes the context ready for a call.
func (c *callContext) begin(ctx context.Context, e *entry, deadline time.Time, slice int64) {
	c.Context, c.entry, c.deadline, c.slice = ctx, e, deadline, slice
	c.began, c.looked, c.calls = time.Time{}, time.Time{}, 0
	c.told, c.grace = false, false
}

// end lets go of everything that belongs to the request.
func (c *callContext) end() {
	c.Context, c.entry = nil, nil
	if c.turn.held {
		c.instance.code.runtime.permits.drop(&c.turn, time.Now())
	}
}

// yield is the function that metered code calls.
func yield(ctx context.Context, stack []uint64) {
	if meter.StackSpent(stack[0]) {
		panic(errStackLimit)
	}
	stack[0] = meter.Refill(stack[0], ctx.(*callContext).yield())
}

// yield is where a guest gives way: machine code calls it when its fuel is used
// up. Here the garbage collector can stop it, and another guest gets its permit;
// what else there is to run has a processor without permit. It returns the fuel
// of the next slice, or ends the call by a panic. That
// happens on the guest's own goroutine: closing an instance from another one
// would free its memory while it runs.
func (c *callContext) yield() int64 {
	if c.grace {
		c.grace, c.began = false, time.Time{}
		return c.slice
	}
	now := time.Now()
	if !c.began.IsZero() {
		c.slice = nextSlice(c.slice, now.Sub(c.began))
	}
	c.look(now)
	permits := c.instance.code.runtime.permits
	if permits.tight.Load() {
		runtime.Gosched()
	}
	next := permits.take
	if c.turn.held {
		next = permits.pass
	}
	if !next(&c.turn, c.deadline, now) {
		panic(errDeadline)
	}
	c.began = time.Now()
	c.look(c.began)
	return c.slice
}

// look ends the call when it must not go on.
func (c *callContext) look(now time.Time) {
	if !c.deadline.IsZero() && !now.Before(c.deadline) {
		panic(errDeadline)
	}
	if err := c.Context.Err(); err != nil {
		panic(endOf(err))
	}
	if c.instance.references() > maxReferences {
		panic(errReferences)
	}
	if c.entry.stackSize() > maxStack {
		panic(errStackLimit)
	}
	alive := c.instance.alive
	if alive == nil || now.Sub(c.looked) < aliveEvery {
		return
	}
	c.looked = now
	if !alive(c.Context) {
		panic(errCanceled)
	}
}

// beforeHost is called before a host function that may wait. The guest does not
// compute meanwhile, and what it waits for may be another guest that needs the
// permit. It reports whether there was one.
func (c *callContext) beforeHost() (held bool) {
	if held = c.turn.held; held {
		c.instance.code.runtime.permits.drop(&c.turn, time.Now())
	}
	return held
}

// afterHost is called after each host function, with what beforeHost said, and
// whether the function answered that the deadline has passed or the client has gone.
// The first such answer would be worth nothing if the guest ended with it: it may go
// on to its next yield but one, or for hostCallsPerLook calls, to say something
// about it.
func (c *callContext) afterHost(held, told bool) {
	c.calls++
	if told && !c.told {
		c.told, c.grace, c.calls = true, true, 0
		return
	}
	if !held && c.calls%hostCallsPerLook != 0 {
		return
	}
	now := time.Now()
	c.look(now)
	if held && !c.instance.code.runtime.permits.take(&c.turn, c.deadline, now) {
		panic(errDeadline)
	}
}

// stop is a panic that ends a call for a reason of the host's.
type stop struct {
	kind   Kind
	reason string
	is     error // what errors.Is finds; may be nil
}

// Error implements error.
func (s *stop) Error() string { return s.reason }

// Unwrap gives errors.Is what it is.
func (s *stop) Unwrap() error { return s.is }

var (
	errDeadline   = &stop{Deadline, "the deadline passed", context.DeadlineExceeded}
	errCanceled   = &stop{Canceled, "the call was canceled", context.Canceled}
	errStackLimit = &stop{Trapped, "stack limit", ErrStackLimit}
	errReferences = &stop{Trapped, "too many function references", nil}
)

// endOf returns how a context has ended.
func endOf(err error) *stop {
	if kindOf(err) == Canceled {
		return errCanceled
	}
	return errDeadline
}
