package metrics

import "time"

// Totals is what routes have counted, over all their methods: up to a moment, or
// between two of them.
type Totals struct {
	Requests     uint64
	ClientErrors uint64 // 4xx
	Errors       uint64 // 5xx

	buckets [len(bounds) + 1]uint64
}

// AddTo adds what the route has counted so far.
func (r *Route) AddTo(t *Totals) {
	for i := range r.methods {
		s := r.methods[i].Load()
		if s == nil {
			continue
		}
		for class := range s.counts {
			n := s.counts[class].Load()
			t.Requests += n
			switch class {
			case 4:
				t.ClientErrors += n
			case 5:
				t.Errors += n
			}
		}
		for i := range t.buckets {
			t.buckets[i] += s.duration.buckets[i].Load()
		}
	}
}

// Add adds other totals.
func (t *Totals) Add(other *Totals) {
	t.Requests += other.Requests
	t.ClientErrors += other.ClientErrors
	t.Errors += other.Errors
	for i := range t.buckets {
		t.buckets[i] += other.buckets[i]
	}
}

// Since returns what was counted after before. Less than nothing, when a route has
// gone and come back as a new one, is nothing.
func (t *Totals) Since(before *Totals) Totals {
	less := func(a, b uint64) uint64 { return max(a, b) - b }
	d := Totals{
		Requests:     less(t.Requests, before.Requests),
		ClientErrors: less(t.ClientErrors, before.ClientErrors),
		Errors:       less(t.Errors, before.Errors),
	}
	for i := range d.buckets {
		d.buckets[i] = less(t.buckets[i], before.buckets[i])
	}
	return d
}

// Quantile returns the duration that a share q of the requests did not exceed, as
// Prometheus reckons it: evenly spread between the bounds of a bucket, and no more
// than the last bound. It is negative when there is no request.
func (t *Totals) Quantile(q float64) time.Duration {
	var count uint64
	for _, n := range t.buckets {
		count += n
	}
	if count == 0 {
		return -1
	}
	rank := q * float64(count)
	var below float64
	lower := time.Duration(0)
	for i, upper := range bounds {
		n := float64(t.buckets[i])
		if n > 0 && below+n >= rank {
			return lower + time.Duration(float64(upper-lower)*(rank-below)/n)
		}
		below += n
		lower = upper
	}
	return lower
}
