package metrics

import (
	"testing"
	"time"
)

func TestTotals(t *testing.T) {
	r := NewRoute(RouteName{Plugin: "a", Handler: "get", Route: "/a"})
	var before, after Totals
	r.AddTo(&before)
	if q := before.Quantile(0.5); q >= 0 {
		t.Errorf("the median of nothing is %v", q)
	}
	for range 98 {
		r.Count([]byte("GET"), 200, 200*time.Microsecond)
	}
	r.Count([]byte("POST"), 404, 3*time.Millisecond)
	r.Count([]byte("POST"), 503, time.Minute)
	r.AddTo(&after)
	d := after.Since(&before)
	if d.Requests != 100 || d.ClientErrors != 1 || d.Errors != 1 {
		t.Errorf("got %+v", d)
	}
	for q, want := range map[float64][2]time.Duration{
		0.5:   {100 * time.Microsecond, 250 * time.Microsecond},
		0.985: {2500 * time.Microsecond, 5 * time.Millisecond},
		1:     {10 * time.Second, 10 * time.Second}, // the last bound
	} {
		if got := d.Quantile(q); got < want[0] || got > want[1] {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	var both Totals
	both.Add(&after)
	both.Add(&after)
	if both.Requests != 200 || both.Since(&after) != after {
		t.Errorf("got %+v", both)
	}
	if d := before.Since(&after); d.Requests != 0 || d.Quantile(0.5) >= 0 {
		t.Errorf("counters that began anew make %+v", d)
	}
}
