package upstream

import (
	"context"
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

// health is what active checks say of a target of one service. What is not checked
// is healthy.
type health struct {
	sick atomic.Bool

	mu       sync.Mutex
	failures int // in a row
	reason   string
}

// checksAtOnce bounds the checks of one service that are out.
const checksAtOnce = 16

// watch checks all targets, again and again, until nobody holds the service.
func (v *Service) watch() {
	for {
		if l := v.list.Load(); l != nil {
			v.checkAll(l)
		}
		// Not all hosts at once.
		wait := v.CheckInterval - rand.N(v.CheckInterval/8+1)
		if !sleep(v.ctx, wait) {
			return
		}
	}
}

func (v *Service) checkAll(l *list) {
	slots := make(chan struct{}, checksAtOnce)
	var all sync.WaitGroup
	for i := range l.entries {
		e := &l.entries[i]
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			v.check(e)
		})
	}
	all.Wait()
}

// check asks one target how it is: any 2xx is well.
func (v *Service) check(e *entry) {
	limit := min(v.CheckInterval, v.set.limits.checkMost)
	ctx, cancel := context.WithTimeout(v.ctx, limit)
	defer cancel()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(fasthttp.MethodGet)
	req.SetRequestURI(v.Check)
	err := v.set.options.Client.Send(ctx, e.peer, req, resp)
	if v.ctx.Err() != nil {
		return
	}
	reason := ""
	switch status := resp.StatusCode(); {
	case err != nil && passed(ctx):
		reason = fmt.Sprintf("check %s: no answer within %v", v.Check, limit)
	case err != nil:
		reason = fmt.Sprintf("check %s: %s", v.Check, strings.TrimPrefix(err.Error(), call.ErrUnavailable.Error()+": "+e.origin+": "))
	case status < 200 || status > 299:
		reason = fmt.Sprintf("check %s: it answered %d", v.Check, status)
	}
	v.checked(e, reason)
}

// checked takes up what a check found; an empty reason is well.
func (v *Service) checked(e *entry, reason string) {
	h := e.health
	h.mu.Lock()
	defer h.mu.Unlock()
	attrs := []any{slog.String("service", v.Name), slog.String("target", e.name)}
	h.reason = reason
	switch {
	case reason == "":
		h.failures = 0
		if h.sick.Swap(false) {
			v.set.options.Log.Info("target passes its check again", attrs...)
		}
	default:
		h.failures++
		if h.failures >= v.set.limits.checkFailures && !h.sick.Swap(true) {
			e.counts.Ejections.Add(1)
			v.set.options.Log.Warn("target fails its check", append(attrs, slog.String("reason", reason))...)
		}
	}
}

// sleep waits, and reports whether ctx still is on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
