package meter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// oracle counts what a guest runs, by the ticks it makes, and how much of it
// lies between two yields. It knows nothing of the rewrite.
type oracle struct {
	since, most, total int64
}

func (o *oracle) watch(r *rig, fuel int64) {
	r.tick = func(n uint32) {
		o.since += int64(n) + weightHost // the tick is work as well
		o.total += int64(n) + weightHost
		o.most = max(o.most, o.since)
	}
	r.yield = func() int64 {
		o.since = 0
		return fuel
	}
	r.yields = 0
}

// tight are options under which a hole shows in a small module.
func tight(random *rand.Rand) Options {
	return Options{
		StackLimit: 1<<13 + random.IntN(1<<13), Free: 200 + random.IntN(500), Span: 500 + random.IntN(1000), MaxLocals: 64,
		bounds: bounds{rest: 300, height: 256, reach: 1 << 12, tail: 3000},
	}
}

// A yield that gives no fuel is called at every payment. So what runs from one
// call of it to the next is what a guest can run without a payment.
func TestWorkBetweenPaymentsIsBounded(t *testing.T) {
	r := newRig(t, wazero.NewRuntimeConfig())
	for _, c := range []struct {
		name     string
		generate func(random *rand.Rand) ([]byte, []funcType)
		seeds    int
	}{
		{"call graphs", callGraph, 150},
		{"programs", func(random *rand.Rand) ([]byte, []funcType) { return generate(random, true, 20_000) }, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			var most, total int64
			ends := map[string]int{}
			for seed := range uint64(c.seeds) {
				random := rand.New(rand.NewPCG(seed, 2))
				wasm, fns := c.generate(random)
				o := tight(random)
				res := rewrite(t, wasm, o)
				watch := &oracle{}
				watch.watch(r, 0)
				for i, fn := range fns {
					mod, err := r.tryInstance(res.Wasm)
					if err != nil {
						break
					}
					_, end := invoke(mod, fmt.Sprintf("f%d", i), make([]uint64, len(fn.params))...)
					ends[strings.TrimSuffix(end, " (recovered by wazero)")]++
					mod.Close(t.Context())
				}
				if bound := o.Bound(); watch.most > bound {
					t.Fatalf("seed %d: a weight of %d ran without a payment, the bound is %d", seed, watch.most, bound)
				}
				most, total = max(most, watch.most), total+watch.total
			}
			t.Logf("total weight %d, most between two payments %d; ends: %v", total, most, ends)
			if total < 1_000_000 {
				t.Errorf("the modules ran a weight of %d, too little to tell", total)
			}
		})
	}
}

// Whatever runs is paid for, but for what the innermost functions have begun.
func TestWorkIsPaidFor(t *testing.T) {
	const fuel = 20_000
	r := newRig(t, wazero.NewRuntimeConfig())
	var dearest float64
	for seed := range uint64(160) {
		random := rand.New(rand.NewPCG(seed, 3))
		wasm, fns := generate(random, true, 20_000)
		if seed%2 == 0 {
			wasm, fns = callGraph(random)
		}
		o := tight(random)
		res := rewrite(t, wasm, o)
		for i, fn := range fns {
			watch := &oracle{}
			watch.watch(r, fuel)
			have, paid := int64(0), int64(0)
			r.peek = func(state uint64) { paid, have = paid+have-FuelLeft(state), fuel }
			mod, err := r.tryInstance(res.Wasm)
			if err != nil {
				break
			}
			invoke(mod, fmt.Sprintf("f%d", i), make([]uint64, len(fn.params))...)
			paid += have - FuelLeft(mod.ExportedGlobal(res.State).Get())
			mod.Close(t.Context())
			if begun := int64(o.Span + 2*o.Free + 2*weightHost); watch.total > paid+begun {
				t.Fatalf("seed %d: f%d ran a weight of %d and paid for %d", seed, i, watch.total, paid)
			}
			if watch.total > 100*fuel {
				dearest = max(dearest, float64(paid)/float64(watch.total))
			}
		}
	}
	t.Logf("the dearest module pays %.1f times what it runs", dearest)
}

// callGraph makes a module that is all calls: towers, cycles, tail calls and calls
// through a table, with work before, between and after them.
func callGraph(r *rand.Rand) (wasm []byte, fns []funcType) {
	b := newBuild()
	tick := b.host("env", "tick", []ValueType{I32}, nil)
	spend := b.global(I64, true, i64c(30_000)...)
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
