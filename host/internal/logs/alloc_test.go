//go:build !race

package logs

import (
	"io"
	"testing"
)

func TestAccessAllocatesNothing(t *testing.T) {
	r := benchRequest()
	for _, json := range []bool{false, true} {
		s := NewSink(io.Discard)
		a := NewAccess(s, json)
		if n := testing.AllocsPerRun(1000, func() {
			a.Log(r)
			if len(s.waiting) > most/2 {
				_ = s.Flush()
			}
		}); n != 0 {
			t.Errorf("json %v: %v allocations", json, n)
		}
	}
}
