package exchange

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Why a guest is ended from inside a host function. They are thrown as panics,
// on the guest's own goroutine, and come back in the sandbox's trap, which knows
// a deadline by the context's error.
var (
	ErrDeadline = fmt.Errorf("waiting: %w", context.DeadlineExceeded)
	ErrClosed   = errors.New("the client went away")
)

// guestContext is the context of the guest's run. It lives inside the exchange
// so that a request allocates none.
type guestContext struct{ x *Exchange }

func (c *guestContext) Deadline() (time.Time, bool) {
	return c.x.deadline, !c.x.deadline.IsZero()
}

// Done returns nil: the deadline is enforced by the sandbox, and by wait
// contexts where a host function blocks.
func (c *guestContext) Done() <-chan struct{} { return nil }

func (c *guestContext) Err() error { return nil }

type contextKey struct{}

func (c *guestContext) Value(key any) any {
	if key == (contextKey{}) {
		return c.x
	}
	return nil
}

// Context returns the context to run the guest under. From finds the exchange
// in it.
func (x *Exchange) Context() context.Context {
	if x.stream != nil {
		return x.stream.ctx
	}
	return &x.guest
}

// From returns the exchange that a guest runs for, or nil.
func From(ctx context.Context) *Exchange {
	if g, ok := ctx.(*guestContext); ok {
		return g.x
	}
	x, _ := ctx.Value(contextKey{}).(*Exchange)
	return x
}

// Waiting returns a context that ends at the deadline, for what blocks. It is
// made when first asked for and ends with the exchange.
func (x *Exchange) Waiting() context.Context {
	if x.wait == nil {
		ctx := x.Context()
		if x.deadline.IsZero() {
			x.wait, x.stop = context.WithCancel(ctx)
		} else {
			x.wait, x.stop = context.WithDeadline(ctx, x.deadline)
		}
	}
	return x.wait
}

// Expired reports that the deadline has passed.
func (x *Exchange) Expired() bool {
	return !x.deadline.IsZero() && !time.Now().Before(x.deadline)
}

// Alive reports whether the client still waits for the answer.
func (x *Exchange) Alive() bool { return !x.gone() }

// gone reports whether the client has gone away. It looks at the connection at
// most every aliveEvery.
func (x *Exchange) gone() bool {
	if x.parent != nil {
		return x.parent.gone()
	}
	if x.stream != nil && x.stream.ctx.Err() != nil {
		return true
	}
	if x.conn == nil {
		return false
	}
	now := time.Now()
	if now.Sub(x.checked) < aliveEvery {
		return false
	}
	x.checked = now
	return !x.conn.Alive()
}

// Watched is Waiting for a wait on somebody else, which may last: it ends when
// the client goes away, too. stop releases it.
func (x *Exchange) Watched() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(x.Waiting())
	origin := x
	for origin.parent != nil {
		origin = origin.parent
	}
	conn := origin.conn
	if conn == nil {
		return ctx, cancel
	}
	var timer *time.Timer
	ready := make(chan struct{})
	timer = time.AfterFunc(aliveEvery, func() {
		<-ready
		switch {
		case ctx.Err() != nil:
		case conn.Alive():
			timer.Reset(aliveEvery)
		default:
			cancel()
		}
	})
	close(ready)
	return ctx, func() { cancel(); timer.Stop() }
}

// What a guest may wait for, other than its own computing.
const (
	waitStore = iota
	waitCall
	waitSleep
	waitKinds
)

// wasWaiting books the time since start as spent waiting.
func (x *Exchange) wasWaiting(kind int, start time.Time) { x.waited[kind] += time.Since(start) }

// Waited returns how long the guest waited for the store, for calls and asleep.
func (x *Exchange) Waited() (store, calls, sleep time.Duration) {
	return x.waited[waitStore], x.waited[waitCall], x.waited[waitSleep]
}

// Sleep waits until the given time. It fails when the guest must not go on: at
// the deadline, or when the client has gone. It implements wasi.Env.
func (x *Exchange) Sleep(until time.Time) error {
	defer x.wasWaiting(waitSleep, time.Now())
	for {
		now := time.Now()
		if !x.deadline.IsZero() && !now.Before(x.deadline) {
			return ErrDeadline
		}
		if x.gone() {
			return ErrClosed
		}
		rest := until.Sub(now)
		if rest <= 0 {
			return nil
		}
		if !x.deadline.IsZero() {
			rest = min(rest, x.deadline.Sub(now))
		}
		time.Sleep(min(rest, aliveEvery))
	}
}

// With returns a context in which From finds x, for an exchange without a
// request.
func With(ctx context.Context, x *Exchange) context.Context {
	return context.WithValue(ctx, contextKey{}, x)
}
