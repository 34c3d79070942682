package metrics

import (
	"sync/atomic"
	"time"
)

// bounds are the upper bounds of the buckets, those bounds included. A handler
// that answers from memory is in the first one, what runs into the usual deadline
// past the 2.5 s.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// les are the bounds as the label "le", the last one for what is over all.
var les = [...]string{
	`le="0.0001"`, `le="0.00025"`, `le="0.0005"`,
	`le="0.001"`, `le="0.0025"`, `le="0.005"`,
	`le="0.01"`, `le="0.025"`, `le="0.05"`,
	`le="0.1"`, `le="0.25"`, `le="0.5"`,
	`le="1"`, `le="2.5"`, `le="5"`, `le="10"`, `le="+Inf"`,
}

// Histogram counts durations. The zero value is empty. It is safe for concurrent
// use.
type Histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // each for itself; added up when written
	sum     atomic.Int64                   // nanoseconds
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// Histogram writes the samples of one histogram. Its count is that of its last
// bucket whatever is counted meanwhile.
func (t *Text) Histogram(name, labels string, h *Histogram) {
	sum := h.sum.Load()
	bucket := name + "_bucket"
	var count uint64
	for i := range h.buckets {
		count += h.buckets[i].Load()
		t.name(bucket, labels, les[i])
		t.uint(count)
	}
	t.Float(name+"_sum", labels, time.Duration(sum).Seconds())
	t.Uint(name+"_count", labels, count)
}
