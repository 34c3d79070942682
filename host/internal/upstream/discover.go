package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

// lookupState is what is known of a service's records.
type lookupState struct {
	at       time.Time     // of the last lookup that succeeded; zero: none has
	ttl      time.Duration // of its answer
	next     time.Time     // of the next lookup
	err      error         // of the last lookup; nil when it succeeded
	goneFrom time.Time     // since when the records are gone; zero: they are there, as far as known
	ignored  string        // what was left out of the last answer
}

// discover looks for the service's records until nobody holds it.
func (v *Service) discover() {
	l := &v.set.limits
	backoff := l.retryFirst
	for {
		ctx, cancel := context.WithTimeout(v.ctx, l.lookup)
		found, err := lookup(ctx, v.SRV, v.DNS)
		cancel()
		if v.ctx.Err() != nil {
			return
		}
		wait := backoff
		if err == nil {
			backoff = l.retryFirst
			wait = found.ttl
			if wait < 0 {
				wait = l.ttlUnknown
			}
			wait = min(max(wait, l.ttlLeast), l.ttlMost)
		} else {
			backoff = min(2*backoff, l.retryMost)
			wait -= rand.N(wait/4 + 1)
		}
		v.learn(found, err, time.Now(), wait)
		if !sleep(v.ctx, wait) {
			return
		}
	}
}

// learn takes up what a lookup found. The next one comes after wait.
func (v *Service) learn(found answer, err error, now time.Time, wait time.Duration) {
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	if v.refs == 0 {
		return
	}
	s, log := &v.lookup, v.set.options.Log
	attrs := []any{slog.String("service", v.Name), slog.String("srv", v.SRV)}
	before := s.err
	s.err, s.next = err, now.Add(wait)
	if err == nil {
		if before != nil {
			log.Info("SRV records found again", attrs...)
		}
		if found.ignored != "" && found.ignored != s.ignored {
			log.Warn("SRV records ignored", append(attrs, slog.String("reason", found.ignored))...)
		}
		s.at, s.ttl, s.ignored = now, found.ttl, found.ignored
		s.goneFrom = time.Time{}
		v.replace(found.records, attrs)
		return
	}
	gone := errors.Is(err, errNone)
	switch l := v.list.Load(); {
	case l != nil && len(l.entries) == 0 && !s.goneFrom.IsZero(): // said already
	case l == nil || len(l.entries) == 0:
		// There is nothing to go on with. Why stands in the error of each call.
		v.setLocked(nil, fmt.Sprintf("looking up %s: %v", v.SRV, err))
		if before == nil {
			log.Error("service has no targets", append(attrs, slog.Any("error", err))...)
		}
	case !gone:
		// Nobody says that they are gone, so they are served for as long as it takes.
		if before == nil {
			log.Warn("SRV lookup failed; the last answer is served on", append(attrs, slog.Any("error", err))...)
		}
	case s.goneFrom.IsZero():
		s.goneFrom = now
		log.Warn("SRV records are gone; the last answer is served for a while", append(attrs, slog.Duration("for", v.set.limits.keepGone), slog.Any("error", err))...)
	case now.Sub(s.goneFrom) >= v.set.limits.keepGone:
		v.setLocked(nil, fmt.Sprintf("the records of %s are gone since %s: %v", v.SRV, s.goneFrom.UTC().Format(time.RFC3339), err))
		log.Error("service has no targets", append(attrs, slog.Any("error", err))...)
	}
}

// replace makes records the targets, when they are others than before. The set's mu
// must be held.
func (v *Service) replace(records []record, attrs []any) {
	var old []record
	if l := v.list.Load(); l != nil {
		for _, e := range l.entries {
			old = append(old, record{e.origin, e.priority, e.weight})
		}
		if slices.Equal(old, records) {
			return
		}
	}
	v.setLocked(records, "")
	v.set.options.Log.Info("service has other targets", append(attrs, slog.Int("before", len(old)), slog.Int("now", len(records)))...)
}
