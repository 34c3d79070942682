//go:build !race

package metrics

import (
	"testing"
	"time"
)

// Counting a request costs no allocation.
func TestNoAllocations(t *testing.T) {
	r, o := NewRoute(RouteName{"a", "b", "/c"}), NewOperation("", "ok")
	get, made := []byte("GET"), []byte("MADE-UP")
	r.Count(get, 200, 0)
	r.Count(made, 200, 0)
	if n := testing.AllocsPerRun(1000, func() {
		r.Count(get, 200, time.Millisecond)
		r.Count(made, 404, time.Second)
		r.Refused(400)
		o.Count(0, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
