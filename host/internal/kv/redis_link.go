package kv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// A link is what fails and comes back as a whole: the one server, or the node of a
// Cluster that has a keyspace. It keeps asking the server for a sign of life, and
// decides what operations do meanwhile:
//
//	up                 operations are sent
//	down, no answer    operations are refused at once, until a probe is answered
//	down, an answer    operations are sent: the server says quickly what is wrong,
//	                   and may still serve reads when it takes no writes
//
// It is told once when it goes down and once when it is back.
type link struct {
	store *redis
	probe command
	slots chan struct{} // one element for each operation under way

	mu     sync.Mutex             // held to change outage and tell of it
	outage atomic.Pointer[outage] // nil: up
	tried  chan struct{}          // closed when the first probe has ended
	kick   chan struct{}          // an operation has failed: probe now
}

// outage is why a link is down.
type outage struct {
	err    error
	code   string // of the server's answer; "" when there was none
	silent bool   // nothing answers
}

// connecting stands for a code before the first probe has ended.
const connecting = "connecting"

func (s *redis) newLink(key string) *link {
	l := &link{
		store: s,
		// Nothing is ever stored under this field. It is a write all the same, which a
		// replica or a server that cannot save refuses.
		probe: func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
			return c.Do(ctx, c.B().Hdel().Key(key).Field("").Build())
		},
		slots: make(chan struct{}, maxInFlight),
		tried: make(chan struct{}),
		kick:  make(chan struct{}, 1),
	}
	l.outage.Store(&outage{err: fmt.Errorf("%w: %s: connecting", ErrReported, s.name), code: connecting})
	return l
}

// do sends a command and returns the server's answer, which is no error, but may
// be of any type. It returns when ctx ends; the command may be carried out later.
//
// The library looks at contexts only at some of the places where it waits, and
// connects with that of whoever comes first. So the command runs to its end with
// none, and only the wait for it ends early.
func (l *link) do(ctx context.Context, do command) (rueidis.RedisMessage, error) {
	var none rueidis.RedisMessage
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if !l.store.enter() {
		return none, ErrClosed
	}
	leave := l.store.inFlight.Done
	select {
	case <-l.tried:
	case <-ctx.Done():
		leave()
		return none, ctx.Err()
	}
	if o := l.outage.Load(); o != nil && o.silent {
		leave()
		return none, o.err
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		leave()
		return none, ctx.Err()
	}
	type answer struct {
		message rueidis.RedisMessage
		err     error
	}
	answered := make(chan answer, 1)
	go func() {
		defer leave()
		m, err := l.store.ask(do)
		<-l.slots
		if err != nil && !rueidis.IsRedisNil(err) {
			err = l.failed(err)
		} else {
			err = nil
		}
		answered <- answer{m, err}
	}()
	select {
	case a := <-answered:
		return a.message, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// failed makes the error of an operation, and has the link looked at.
func (l *link) failed(err error) error {
	o := l.explain(err)
	switch {
	case l.outage.Load() != nil:
	case o.code != "":
		o.err = fmt.Errorf("%w: %s: %w", ErrUnavailable, l.store.name, l.store.dialer.reason(err)) // it may be about this operation only
	default:
		o.silent = false // until a probe says so
		l.fall(o)
	}
	select {
	case l.kick <- struct{}{}:
	default:
	}
	return o.err
}

// strange is about an answer that makes no sense.
func (l *link) strange(err error) error {
	// The library's errors quote the answer.
	return fmt.Errorf("%w: %s: %.200s", ErrUnavailable, l.store.name, l.store.dialer.hide(err.Error()))
}

// watch probes until the store is closed.
func (l *link) watch() {
	var retry time.Duration
	for {
		o := l.check()
		select {
		case <-l.store.done:
			return
		default:
		}
		l.set(o)
		select {
		case <-l.tried:
		default:
			close(l.tried)
		}
		wait := probeEvery
		var kick chan struct{}
		if o == nil {
			l.store.look.Do(func() { go l.store.inspect() })
			retry, kick = 0, l.kick
		} else {
			retry = min(max(2*retry, retryFirst), retryMost)
			wait = retry + rand.N(retry/4+1)
		}
		timer := time.NewTimer(wait)
		select {
		case <-l.store.done:
			timer.Stop()
			return
		case <-timer.C:
		case <-kick:
			timer.Stop()
		}
	}
}

// check probes once.
func (l *link) check() *outage {
	sent := time.Now()
	answered := make(chan error, 1)
	go func() {
		_, err := l.store.ask(l.probe)
		answered <- err
	}()
	timer := time.NewTimer(probeTimeout)
	defer timer.Stop()
	for {
		select {
		case err := <-answered:
			if err == nil {
				return nil
			}
			o := l.explain(err)
			if o.code == "READONLY" && l.store.option.ForceSingleClient && l.store.reconnect(l.probe) == nil {
				return nil
			}
			return o
		case <-l.store.done:
			return l.explain(ErrClosed)
		case <-timer.C:
		}
		if !l.store.option.ForceSingleClient {
			return l.explain(errSilent) // the library sees to the connection of this node
		}
		// A long queue before the probe is no outage.
		if last := l.store.dialer.answered(); last.After(sent) {
			sent = last
			timer.Reset(probeTimeout)
			continue
		}
		l.store.dialer.drop() // answers those who wait
		return l.explain(errSilent)
	}
}

// fall takes the link down if it is up.
func (l *link) fall(o *outage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outage.CompareAndSwap(nil, o) {
		l.store.tell(o.err)
	}
}

// set changes the state to what a probe has found, and tells what is new.
func (l *link) set(o *outage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.outage.Swap(o)
	switch {
	case o == nil && old == nil:
	case o == nil:
		if old.code != connecting {
			l.store.tell(nil)
		}
	case old == nil || old.code == connecting,
		// Loading is a step on the way back.
		old.code != o.code && o.code != "" && o.code != "LOADING":
		l.store.tell(o.err)
	}
}

// errSilent is about a server that takes a command and answers nothing.
var errSilent = fmt.Errorf("no answer within %v", probeTimeout)

// explain says what a failed command means for the link.
func (l *link) explain(err error) *outage {
	o := &outage{err: fmt.Errorf("%w: %s: %w", ErrReported, l.store.name, l.store.dialer.reason(err)), silent: true}
	if e, ok := rueidis.IsRedisErr(err); ok {
		o.silent = false
		o.code, _, _ = strings.Cut(e.Error(), " ")
	}
	return o
}
