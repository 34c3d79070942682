//go:build !race

package logs

import (
	"io"
	"testing"
)

func TestAccessAllocatesNothing(t *testing.T) {
	r := benchRequest()
	for _, format := range []Format{Text, JSON, Combined} {
		s := NewSink(io.Discard)
		a := NewAccess(s, format)
		if n := testing.AllocsPerRun(1000, func() {
			a.Log(r)
			if len(s.waiting) > most/2 {
				_ = s.Flush()
			}
		}); n != 0 {
			t.Errorf("format %v: %v allocations", format, n)
		}
	}
}
