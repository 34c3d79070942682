package meter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
)

// Whatever runs is paid for, but for what the innermost functions have begun.
func TestWorkIsPaidFor(t *testing.T) {
	r := newRig(t, wazero.NewRuntimeConfig())
	seeds := uint64(200)
	if raceDetector {
		seeds = 12
	}
	var dearest float64
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 3))
		wasm, fns := generate(random, true, 10_000)
		if seed%2 == 0 {
			wasm, fns = callGraph(random)
		}
		o := tight(random)
		res := rewrite(t, wasm, o)
		for i, fn := range fns {
			name := fmt.Sprintf("f%d", i)
			ran, paid := payments(r, res, name, make([]uint64, len(fn.params)))
			if begun := int64(o.Span + 2*o.Free + 2*weightHost); ran > paid+begun {
				t.Fatalf("seed %d: %s ran a weight of %d and paid for %d", seed, name, ran, paid)
			}
			if ran > 1_000_000 {
				dearest = max(dearest, float64(paid)/float64(ran))
			}
		}
	}
	t.Logf("the dearest module pays %.1f times what it runs", dearest)
}

// payments calls an export and returns the weight of what ran and of what was paid.
func payments(r *rig, res *Result, name string, args []uint64) (ran, paid int64) {
	const fuel = 20_000
	watch := &oracle{}
	watch.watch(r, fuel)
	have := int64(0)
	r.peek = func(state uint64) { paid, have = paid+have-FuelLeft(state), fuel }
	defer func() { r.peek = nil }()
	mod, err := r.tryInstance(res.Wasm)
	if err != nil {
		return 0, 0
	}
	defer mod.Close(r.t.Context())
	invoke(mod, name, args...)
	return watch.total, paid + have - FuelLeft(mod.ExportedGlobal(res.State).Get())
}

// A call through a type that cuts a cycle pays for its callees, which are too small
// to pay themselves.
func TestCallsThroughATypeArePaidFor(t *testing.T) {
	b := newBuild()
	tick := b.host("env", "tick", []ValueType{I32}, nil)
	typ := b.typ(nil, nil)
	small := b.fn(nil, nil, nil, i32c(1), callf(tick), i32c(1), callf(tick), i32c(1), callf(tick))
	// Two cycles through the type, which makes it the best place to cut both.
	b.table(small, b.fn(nil, nil, nil, i32c(1), indirect(typ)), b.fn(nil, nil, nil, i32c(2), indirect(typ)))
	b.export("run", kindFunc, b.fn(nil, nil, []ValueType{I32},
		i32c(5000), set(0), loop(i32c(0), indirect(typ), get(0), i32c(1), ops(0x6b), tee(0), brif(0))))
	ran, paid := payments(newRig(t, wazero.NewRuntimeConfig()), rewrite(t, b.bytes(), Options{}), "run", nil)
	if ran < 5000*3*weightHost || paid < ran {
		t.Errorf("a weight of %d ran and %d was paid", ran, paid)
	}
}

// callGraph makes a module that is all calls: towers, cycles, tail calls and calls
// through a table, with work before, between and after them.
func callGraph(r *rand.Rand) (wasm []byte, fns []funcType) {
	b := newBuild()
	tick := b.host("env", "tick", []ValueType{I32}, nil)
	spend := b.global(I64, true, i64c(10_000)...)
	n := 3 + r.IntN(40)
	types := []funcType{{}, {params: []ValueType{I32}}, {params: []ValueType{I64}}}
	var index []uint32
	for range n {
		t := pick(r, types)
		fns = append(fns, t)
		index = append(index, b.declare(t.params, t.results))
	}
	work := func() []byte {
		k := r.IntN(120)
		if r.IntN(3) == 0 {
			k = r.IntN(3)
		}
		return slices.Concat(i32c(int64(k)), callf(tick), slices.Repeat(slices.Concat(i32c(0), ops(opDrop)), k))
	}
	argument := func(t funcType) []byte {
		if len(t.params) == 0 {
			return nil
		}
		return zero(t.params[0])
	}
	tower := r.IntN(2) == 0 // call only functions above, mostly
	for i, fn := range index {
		code := slices.Concat(gget(spend), i64c(1), ops(opI64Sub), gset(spend), gget(spend), i64c(0), ops(0x53), iff(ops(opReturn)))
		for range r.IntN(5) {
			to := r.IntN(n)
			if tower && r.IntN(20) > 0 {
				if to = i + 1 + r.IntN(2); to >= n {
					continue
				}
			}
			code = append(code, work()...)
			switch t := fns[to]; r.IntN(8) {
			case 0:
				code = slices.Concat(code, argument(t), i32c(int64(to)), indirect(b.typ(t.params, nil)))
			case 1:
				code = slices.Concat(code, gget(spend), ops(0xa7), i32c(1), ops(0x71), iff(argument(t), tailf(index[to])))
			default:
				code = slices.Concat(code, argument(t), callf(index[to]))
			}
		}
		b.define(fn, nil, code, work())
		b.export(fmt.Sprintf("f%d", i), kindFunc, fn)
	}
	b.table(index...)
	return b.bytes(), fns
}
