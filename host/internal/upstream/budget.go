package upstream

import "sync/atomic"

// budget bounds retries to a share of the calls, so that they cannot multiply an
// outage. Each call earns a part of a retry, up to what is kept for a burst.
type budget struct{ left atomic.Int64 } // in thousandths of a retry

func (b *budget) earn(l *limits) {
	if b.left.Load() < l.budgetCap { // a little over it does no harm
		b.left.Add(l.budgetShare)
	}
}

// some reports whether a retry may be made now.
func (b *budget) some() bool { return b.left.Load() >= 1000 }

// take reports whether a retry may be made.
func (b *budget) take() bool {
	if b.left.Add(-1000) >= 0 {
		return true
	}
	b.left.Add(1000)
	return false
}
