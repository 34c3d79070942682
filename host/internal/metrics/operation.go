package metrics

import (
	"sync/atomic"
	"time"
)

// Operation counts what a plugin asks of others, by how it ended, and how long it
// took. It is safe for concurrent use.
type Operation struct {
	labels   string
	results  []string // labels, with the result
	counts   []atomic.Uint64
	duration Histogram
}

// NewOperation returns the counters of an operation that can end in so many ways.
// labels is a result of Labels.
func NewOperation(labels string, results ...string) *Operation {
	o := &Operation{labels: labels, counts: make([]atomic.Uint64, len(results))}
	for _, r := range results {
		all := Labels("result", r)
		if labels != "" {
			all = labels + "," + all
		}
		o.results = append(o.results, all)
	}
	return o
}

// Count counts one that has ended, by the index of its result.
func (o *Operation) Count(result int, took time.Duration) {
	o.counts[result].Add(1)
	o.duration.Observe(took)
}

// used reports whether anything was counted. Every result of an operation that is
// used is written, so that a first error shows as an increase.
func (o *Operation) used() bool {
	for i := range o.counts {
		if o.counts[i].Load() > 0 {
			return true
		}
	}
	return false
}

// WriteCounts writes how many there were, if there were any.
func (o *Operation) WriteCounts(t *Text, family string) {
	if !o.used() {
		return
	}
	for i := range o.counts {
		t.Uint(family, o.results[i], o.counts[i].Load())
	}
}

// WriteDurations writes how long they took, if there were any.
func (o *Operation) WriteDurations(t *Text, family string) {
	if o.used() {
		t.Histogram(family, o.labels, &o.duration)
	}
}
