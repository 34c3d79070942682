package upstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// list is the targets of a service at one time. It is immutable.
type list struct {
	service string
	entries []entry // by priority
	why     string  // there are none
}

func (l *list) sort() {
	slices.SortStableFunc(l.entries, func(a, b entry) int { return int(a.priority) - int(b.priority) })
}

// pick chooses a target for a call that has been tried at some, and reserves it.
// trial says that it is ejected.
//
// Of the lowest priority where there is one, it is the target with the fewest calls
// outstanding for its weight; of several, each in turn, or by chance when their
// weights differ. A target whose ejection is over gets one call at a time. When all
// are out, the one that may be the least bad is tried: an ejection must not be worse
// than the outage. Targets that have max_outstanding calls are passed over, and when
// that is what keeps the call from all that are well, it fails at once.
func (l *list) pick(tried []*Target, next *atomic.Uint32, limit int64) (t *Target, trial bool, err error) {
	full := false
	for from := 0; from < len(l.entries); {
		to := from + 1
		for to < len(l.entries) && l.entries[to].priority == l.entries[from].priority {
			to++
		}
		level := l.entries[from:to]
		from = to
		for range level { // each turn fails because somebody was faster, or takes one
			t, trial, busy := choose(level, tried, next, limit)
			full = full || busy
			if t == nil {
				break
			}
			if trial || t.reserve(limit) {
				return t, trial, nil
			}
			full = true
		}
	}
	switch {
	case len(l.entries) == 0:
		return nil, false, fmt.Errorf("%w: service %s has no targets: %s", call.ErrUnavailable, l.service, l.why)
	case full:
		return nil, false, fmt.Errorf("%w: every healthy target of service %s has max_outstanding = %d calls", call.ErrUnavailable, l.service, limit)
	}
	if t := l.leastBad(tried, limit); t != nil {
		return t, true, nil
	}
	return nil, false, fmt.Errorf("%w: no other target of service %s is left to try", call.ErrUnavailable, l.service)
}

// choose finds the best of one priority. A target that is ejected is reserved
// already; any other has to be. busy says that one was passed over for its limit.
func choose(level []entry, tried []*Target, next *atomic.Uint32, limit int64) (t *Target, trial, busy bool) {
	var (
		best       = -1 // the first of the best
		calls, per int64
		same       int // how many are as good
		weights    int64
		equal      = true
	)
	for i := range level {
		e := &level[i]
		if len(tried) > 0 && slices.Contains(tried, e.Target) {
			continue
		}
		if e.out() {
			// A call that has failed once is not the one to try it.
			if len(tried) == 0 && !e.health.sick.Load() && e.half(time.Now()) {
				if e.reserve(limit) {
					return e.Target, true, false
				}
				e.tried(neutral, "")
			}
			continue
		}
		n, w := e.outstanding.Load(), e.share()
		if n >= limit {
			busy = true
			continue
		}
		switch d := n*per - calls*w; { // n/w against calls/per
		case best < 0 || d < 0:
			best, calls, per = i, n, w
			same, weights, equal = 1, w, true
		case d == 0:
			same, weights, equal = same+1, weights+w, equal && w == per
		}
	}
	if best < 0 {
		return nil, false, busy
	}
	if same == 1 {
		return level[best].Target, false, busy
	}
	// The loads may have changed since; then the last of those that still are as good
	// is taken.
	turn, chance := 0, int64(0)
	if equal {
		turn = int(next.Add(1)-1) % same
	} else {
		chance = rand.N(weights)
	}
	found := &level[best]
	for i := best; i < len(level); i++ {
		e := &level[i]
		if len(tried) > 0 && slices.Contains(tried, e.Target) || e.out() {
			continue
		}
		w := e.share()
		if e.outstanding.Load()*per != calls*w {
			continue
		}
		found = e
		if equal && turn == 0 || !equal && chance < w {
			break
		}
		turn--
		chance -= w
	}
	return found.Target, false, busy
}

// share is the weight in sixteenths, so that a weight of zero is a small one: RFC
// 2782 gives such a target a very small chance beside others, and an equal one among
// its like.
func (e *entry) share() int64 { return max(int64(e.weight)*16, 1) }

// leastBad reserves the target that was ejected the fewest times in a row, and of
// those the one whose time is over first. Targets that fail their check come last.
func (l *list) leastBad(tried []*Target, limit int64) *Target {
	var (
		best      *entry
		sick      bool
		ejections int
		until     time.Time
	)
	for i := range l.entries {
		e := &l.entries[i]
		if slices.Contains(tried, e.Target) || e.outstanding.Load() >= limit {
			continue
		}
		s := e.health.sick.Load()
		e.mu.Lock()
		n, u := e.ejections, e.until
		if !e.ejected {
			n, u = 0, time.Time{}
		}
		e.mu.Unlock()
		if best == nil || sick && !s || sick == s && (n < ejections || n == ejections && u.Before(until)) {
			best, sick, ejections, until = e, s, n, u
		}
	}
	if best == nil || !best.reserve(limit) {
		return nil
	}
	return best.Target
}
