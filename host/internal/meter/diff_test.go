package meter

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Random modules give the same results, memory and globals, or the same trap, as
// they are and rewritten, in both of the engine's ways to run them.
func TestRandomModulesBehaveTheSame(t *testing.T) {
	seeds := 300
	if testing.Short() || raceDetector {
		seeds = 60
	}
	for name, config := range map[string]wazero.RuntimeConfig{
		"interpreter": interpreter(),
		"compiler":    wazero.NewRuntimeConfig(),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, config)
			slow := 0
			r.yield = func() int64 { slow++; return int64(slow * 37 % 300) } // the slow paths run often
			ends := map[string]int{}
			for seed := range uint64(seeds) {
				sameBehaviour(t, r, seed, ends)
			}
			if r.yields < seeds || ends[""] < seeds {
				t.Errorf("%d yields, %d calls that ended well: the modules do too little", r.yields, ends[""])
			}
			t.Logf("%d yields; how calls ended: %v", r.yields, ends)
		})
	}
}

// budget keeps recursion below the depth at which the interpreter gives up.
const budget = 900

func sameBehaviour(t *testing.T, r *rig, seed uint64, ends map[string]int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	wasm, fns := generate(random, false, budget)
	if err := valid(r.engine, wasm); err != nil {
		t.Fatalf("seed %d: the generated module does not validate: %v", seed, err)
	}
	// With a stack limit that nothing reaches: the original has none.
	o := Options{StackLimit: 1 << 30, Free: 1 + random.IntN(200), Span: 1 + random.IntN(500)}
	res := rewrite(t, wasm, o)
	if again := rewrite(t, wasm, o); !bytes.Equal(res.Wasm, again.Wasm) {
		t.Fatalf("seed %d: two rewrites of the same module differ", seed)
	}
	a, err := r.tryInstance(wasm)
	b, err2 := r.tryInstance(res.Wasm)
	if (err == nil) != (err2 == nil) {
		t.Fatalf("seed %d: instantiation: %v, rewritten: %v", seed, err, err2)
	}
	if err != nil {
		return
	}
	for i, fn := range fns {
		name := fmt.Sprintf("f%d", i)
		args := make([]uint64, len(fn.params))
		for k, p := range fn.params {
			if args[k] = random.Uint64() >> random.IntN(64); p == I32 {
				args[k] &= 1<<32 - 1
			}
		}
		x, trapX := invoke(a, name, args...)
		y, trapY := invoke(b, name, args...)
		ends[trapX]++
		if trapX != trapY || !slices.Equal(x, y) {
			t.Fatalf("seed %d: %s%v = %v %q, rewritten: %v %q", seed, name, args, x, trapX, y, trapY)
		}
		if err := sameState(a, b, 4); err != nil {
			t.Fatalf("seed %d: after %s: %v", seed, name, err)
		}
		if trapX != "" {
			return // an instance is not used after a trap
		}
		if state := b.ExportedGlobal(res.State).Get(); StackSpent(state) || state&(1<<stackBits-1) != stackUnits {
			t.Fatalf("seed %d: after %s: the stack count is %#x, not back at its start", seed, name, state)
		}
	}
}

// sameState compares memory and the globals g0, g1, …
func sameState(a, b api.Module, globals int) error {
	x, _ := a.Memory().Read(0, a.Memory().Size())
	y, _ := b.Memory().Read(0, b.Memory().Size())
	if !bytes.Equal(x, y) {
		return fmt.Errorf("the memories differ, of %d and %d bytes", len(x), len(y))
	}
	for i := range globals {
		name := fmt.Sprintf("g%d", i)
		if x, y := a.ExportedGlobal(name).Get(), b.ExportedGlobal(name).Get(); x != y {
			return fmt.Errorf("global %d: %#x, rewritten: %#x", i, x, y)
		}
	}
	return nil
}
