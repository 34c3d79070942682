package upstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/call"
)

// Service is one service on other hosts.
type Service struct {
	Settings
	set    *Set
	list   atomic.Pointer[list] // nil until the first lookup has ended
	first  chan struct{}        // closed then
	next   atomic.Uint32        // whose turn it is
	budget budget
	once   sync.Once
	ctx    context.Context // ends when nobody holds the service
	stop   context.CancelFunc

	// Guarded by the set's mu.
	refs   int
	health map[*Target]*health
	lookup lookupState
}

// Tries for connections that are not made, when retries allows fewer, and in all.
const (
	triesToConnect = 3
	maxTries       = 8
)

// MaxRetries is the largest number that Settings may have.
const MaxRetries = maxTries - 1

// Start begins to look for targets and to check them, where the settings ask for it.
func (v *Service) Start() {
	v.once.Do(func() {
		if v.SRV != "" {
			v.set.running.Go(v.discover)
		}
		if v.Check != "" {
			v.set.running.Go(v.watch)
		}
	})
}

// Do sends req to one of the targets, and to another where that is safe, and fills
// resp. It returns the last one it was sent to, "" when it was sent to none. The
// errors are those of package call. The time left until ctx's deadline goes along in
// the header abi.HeaderTimeout.
func (v *Service) Do(ctx context.Context, req *fasthttp.Request, resp *fasthttp.Response) (target string, err error) {
	v.Start()
	l := v.list.Load()
	if l == nil {
		if l, err = v.wait(ctx); err != nil {
			return "", err
		}
	}
	v.budget.earn(&v.set.limits)
	var tried [maxTries]*Target
	t, trial, err := l.pick(nil, &v.next, int64(v.MaxOutstanding))
	if err != nil {
		return "", err
	}
	idempotent := call.Idempotent(req)
	own := timeoutOf(req)
	for n := 1; ; n++ {
		tried[n-1] = t
		err = v.try(ctx, t, trial, n < len(l.entries), idempotent && n <= v.Retries && v.budget.some(), own, req, resp)
		if !v.again(ctx, n, idempotent, resp, err) || n >= len(l.entries) || !v.budget.take() {
			return t.name, err
		}
		other, out, none := l.pick(tried[:n], &v.next, int64(v.MaxOutstanding))
		if none != nil {
			return t.name, err
		}
		if out && err == nil { // an answer that says no is better than who does not answer
			other.done(neutral, true, "")
			return t.name, nil
		}
		t, trial = other, out
		t.counts.Retries.Add(1)
	}
}

// wait waits for the first lookup.
func (v *Service) wait(ctx context.Context) (*list, error) {
	select {
	case <-v.first:
		return v.list.Load(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// try sends req to one target. others says that there are more, and limited that
// try_timeout applies.
func (v *Service) try(ctx context.Context, t *Target, trial, others, limited bool, own time.Duration, req *fasthttp.Request, resp *fasthttp.Response) (err error) {
	start, answers := time.Now(), t.answers.Load()
	verdict, reason := neutral, ""
	defer func() { t.done(verdict, trial, reason) }()

	peer := t.peer
	if others {
		peer.DialTimeout = v.set.limits.dial
	}
	within := ctx
	if limited && others && v.TryTimeout > 0 {
		timed, cancel := context.WithTimeout(ctx, v.TryTimeout)
		defer cancel()
		within = timed
	}
	if deadline, ok := within.Deadline(); ok {
		left := deadline.Sub(start)
		if others {
			peer.DialTimeout = min(peer.DialTimeout, max(left/2, time.Millisecond))
		}
		setTimeout(req, left, own)
	}
	err = v.set.options.Client.Send(within, peer, req, resp)
	if within != ctx && errors.Is(err, context.DeadlineExceeded) && !passed(ctx) {
		err = late(fmt.Sprintf("%v: %s: no answer within try_timeout = %v", call.ErrUnavailable, t.origin, v.TryTimeout))
	}
	verdict, reason = t.judge(resp, err, time.Since(start), answers)
	return err
}

// late is a try that got no answer in its time, though the call has more.
type late string

func (l late) Error() string { return string(l) }

func (late) Is(target error) bool {
	return target == call.ErrUnavailable || target == context.DeadlineExceeded
}

// again reports whether a call may be tried at another target after n tries.
func (v *Service) again(ctx context.Context, n int, idempotent bool, resp *fasthttp.Response, err error) bool {
	if err == nil && !unable(resp.StatusCode()) {
		return false
	}
	switch {
	case n >= maxTries:
		return false
	case errors.Is(err, call.ErrNoConnection):
		if n > v.Retries && n >= triesToConnect {
			return false
		}
	case !idempotent || n > v.Retries:
		return false
	case err != nil && !errors.Is(err, call.ErrUnavailable):
		return false
	}
	if ctx.Err() != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > v.set.limits.least
}

// passed reports whether the time of ctx is over.
func passed(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// timeoutOf returns the time that whoever wrote the request gives it, 0 when none.
func timeoutOf(req *fasthttp.Request) time.Duration {
	return time.Duration(abi.ParseTimeout(req.Header.Peek(abi.HeaderTimeout))) * time.Millisecond
}

// setTimeout tells the other side how long the answer is waited for: what is left, or
// what the guest wrote when that is less.
func setTimeout(req *fasthttp.Request, left, own time.Duration) {
	if own > 0 {
		left = min(left, own)
	}
	var buf [20]byte
	req.Header.SetBytesV(abi.HeaderTimeout, strconv.AppendInt(buf[:0], max(left.Milliseconds(), 1), 10))
}
