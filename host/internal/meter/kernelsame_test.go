package meter

import (
	"bytes"
	"testing"

	"github.com/tetratelabs/wazero"
)

// Real programs compute the same, and leave the same in memory, with very little
// fuel at a time.
func TestKernelsBehaveTheSame(t *testing.T) {
	for name, compile := range map[string]func(testing.TB) []byte{"c": cKernels, "go": goKernels} {
		t.Run(name, func(t *testing.T) {
			if name == "go" && raceDetector {
				t.Skip("the engine takes half a minute to compile a Go program twice under the race detector; without it this test runs")
			}
			wasm := compile(t)
			res := rewrite(t, wasm, Options{})
			r := newRig(t, wazero.NewRuntimeConfig())
			n := 0
			r.yield = func() int64 { n++; return int64(n * 7919 % 10_000) }
			a, b := r.instance(wasm), r.instance(res.Wasm)
			for _, kernel := range kernelNames(a) {
				for _, repeat := range []uint64{0, 1, 3} {
					before := r.yields
					x, trapX := invoke(a, kernel, repeat)
					y, trapY := invoke(b, kernel, repeat)
					if trapX != "" || trapY != "" || x[0] != y[0] {
						t.Fatalf("%s(%d) = %v %q, rewritten: %v %q", kernel, repeat, x, trapX, y, trapY)
					}
					if repeat == 3 && r.yields == before {
						t.Errorf("%s(%d) did not yield", kernel, repeat)
					}
				}
			}
			if name == "go" { // its runtime reads clocks and random numbers into memory
				return
			}
			x, _ := a.Memory().Read(0, a.Memory().Size())
			y, _ := b.Memory().Read(0, b.Memory().Size())
			if !bytes.Equal(x, y) {
				t.Error("the memories differ")
			}
		})
	}
}
