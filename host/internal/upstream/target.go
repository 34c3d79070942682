package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// Results of the tries at a target, as Counts counts them.
const (
	Result2xx = iota
	Result3xx
	Result4xx
	Result5xx
	ResultTimeout
	ResultUnavailable
	ResultTooLarge
	ResultCanceled
	results
)

// ResultNames are the names of the results, in their order. Never changed.
var ResultNames = [results]string{"2xx", "3xx", "4xx", "5xx", "timeout", "unavailable", "too_large", "canceled"}

// Counts is what is counted of a target, across generations.
type Counts struct {
	Results   [results]atomic.Uint64
	Retries   atomic.Uint64 // tries that came here after another target
	Ejections atomic.Uint64
}

// Target is one place that serves a service.
type Target struct {
	key    targetKey
	set    *Set
	origin string
	name   string // origin, for people
	peer   call.Peer
	counts *Counts
	leave  func()
	refs   int // guarded by the set's mu

	outstanding atomic.Int64
	answers     atomic.Uint64 // that were none of a failure, see judge
	failures    atomic.Int32  // in a row
	down        atomic.Bool   // ejected; the rest is below

	mu        sync.Mutex
	ejected   bool
	ejections int       // in a row, so far
	until     time.Time // when a call may try it again
	trying    bool      // that call is out
	since     time.Time // ejected since, or back since
	reason    string    // of the last failure that counted
}

// entry is a target in the list of a service.
type entry struct {
	*Target
	health           *health
	priority, weight uint16
}

// down reports whether the target is left out for now.
func (e *entry) out() bool { return e.down.Load() || e.health.sick.Load() }

// reserve takes one of the calls that the target may have at once.
func (t *Target) reserve(limit int64) bool {
	if t.outstanding.Add(1) <= limit {
		return true
	}
	t.outstanding.Add(-1)
	return false
}

// half reports whether an ejected target may be tried by a call, which it then is:
// one at a time.
func (t *Target) half(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ejected || t.trying || now.Before(t.until) {
		return false
	}
	t.trying = true
	return true
}

// outcome is what a try says of its target.
type outcome int

const (
	neutral outcome = iota
	worked
	failed
)

// judge counts a try, and says what it means for the target, and why.
//
// Answers 502 and 503 count as failures: with them a host, or the proxy before it,
// says that it cannot serve. A 500 does not: it is one handler's mistake. Neither
// does a 504: the callee works under what is left of the caller's deadline.
//
// Nor does a deadline that passes while the target answers others, which answers,
// the count when the try began, tells: callers give as little time as they like, and
// with that they must not take the target from everybody.
func (t *Target) judge(resp *fasthttp.Response, err error, took time.Duration, answers uint64) (outcome, string) {
	count := func(result int) { t.counts.Results[result].Add(1) }
	switch {
	case err == nil:
		status := resp.StatusCode()
		count(min(max(status/100-2, 0), 3))
		if unable(status) {
			return failed, fmt.Sprintf("it answered %d", status)
		}
		t.answers.Add(1)
		return worked, ""
	case errors.Is(err, call.ErrUnavailable):
		late := errors.Is(err, context.DeadlineExceeded)
		switch {
		case !late:
			count(ResultUnavailable)
		case !errors.Is(err, call.ErrNoConnection):
			count(ResultTimeout) // of the try
		default:
			count(ResultUnavailable)
			if took < t.set.limits.fair {
				return neutral, "" // a part of what was left to the caller
			}
		}
		return failed, strings.TrimPrefix(err.Error(), call.ErrUnavailable.Error()+": "+t.origin+": ")
	case errors.Is(err, context.DeadlineExceeded):
		count(ResultTimeout)
		if took < t.set.limits.fair || t.answers.Load() != answers {
			return neutral, ""
		}
		return failed, fmt.Sprintf("no answer within %v", took.Round(time.Millisecond))
	case errors.Is(err, context.Canceled):
		count(ResultCanceled)
	case errors.Is(err, call.ErrTooLarge):
		count(ResultTooLarge)
	}
	return neutral, ""
}

// unable reports the answers of who cannot serve.
func unable(status int) bool {
	return status == fasthttp.StatusBadGateway || status == fasthttp.StatusServiceUnavailable
}

// done ends a try. trial says that the target was ejected when it began.
func (t *Target) done(o outcome, trial bool, reason string) {
	t.outstanding.Add(-1)
	switch {
	case trial:
		t.tried(o, reason)
	case o == worked:
		if t.failures.Load() != 0 {
			t.failures.Store(0)
		}
	case o == failed:
		if int(t.failures.Add(1)) >= t.set.limits.failures {
			t.eject(reason)
		}
	}
}

// eject leaves the target out for a while.
func (t *Target) eject(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ejected {
		return // by a call that went out with this one
	}
	now := time.Now()
	if now.Sub(t.since) > t.set.limits.ejectMost {
		t.ejections = 0 // it had been well for long
	}
	t.since = now
	wait := t.ejectLocked(now, reason)
	t.set.options.Log.Warn("target ejected", slog.String("service", t.key.service), slog.String("target", t.name),
		slog.String("reason", reason), slog.Duration("for", wait.Round(time.Millisecond)))
}

// ejectLocked is eject for each further time, too. Connections that are idle are
// closed: the next call, of any method, then finds out by making one.
func (t *Target) ejectLocked(now time.Time, reason string) time.Duration {
	l := &t.set.limits
	wait := l.ejectMost
	if t.ejections < 16 {
		wait = min(wait, l.ejectFirst<<t.ejections)
	}
	wait -= rand.N(wait/4 + 1) // so that callers do not come back together
	t.ejections++
	t.ejected, t.until, t.reason = true, now.Add(wait), reason
	t.down.Store(true)
	t.counts.Ejections.Add(1)
	t.set.options.Client.CloseIdle(t.peer)
	return wait
}

// tried ends a try at an ejected target.
func (t *Target) tried(o outcome, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trying = false
	if !t.ejected {
		return
	}
	now := time.Now()
	switch {
	case o == worked:
		t.ejected = false
		t.failures.Store(0)
		t.down.Store(false)
		t.set.options.Log.Info("target is back", slog.String("service", t.key.service), slog.String("target", t.name),
			slog.Duration("after", now.Sub(t.since).Round(time.Millisecond)))
		t.since = now
	case o == failed && !now.Before(t.until):
		wait := t.ejectLocked(now, reason)
		t.set.options.Log.Debug("target still fails", slog.String("service", t.key.service), slog.String("target", t.name),
			slog.String("reason", reason), slog.Duration("for", wait.Round(time.Millisecond)))
	}
}

// withoutDot returns an origin without the dot that ends its name.
func withoutDot(origin string) string {
	i := strings.LastIndexByte(origin, ':')
	if i > 0 && origin[i-1] == '.' {
		return origin[:i-1] + origin[i:]
	}
	return strings.TrimSuffix(origin, ".")
}
