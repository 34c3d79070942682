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
		{"call graphs", callGraph, 100},
		{"programs", func(random *rand.Rand) ([]byte, []funcType) { return generate(random, true, 10_000) }, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			var most, total int64
			ends := map[string]int{}
			if raceDetector {
				c.seeds /= 6
			}
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

// The oracle must be able to see a hole: with limits that nothing reaches, small
// functions are never paid for at their entry, and a tower of them runs on and on.
func TestOracleSeesUnpaidWork(t *testing.T) {
	r := newRig(t, wazero.NewRuntimeConfig())
	b := newBuild()
	tick := b.host("env", "tick", []ValueType{I32}, nil)
	last := b.fn(nil, nil, nil, i32c(1), callf(tick))
	for range 12 {
		last = b.fn(nil, nil, nil, callf(last), callf(last))
	}
	b.export("f0", kindFunc, last)
	o := tight(rand.New(rand.NewPCG(1, 1)))
	wide := o
	wide.Free, wide.Span = 1<<40, 1<<40
	wide.bounds = bounds{1 << 40, 1 << 40, 1 << 40, 1 << 40}
	for _, c := range []struct {
		options Options
		within  bool
	}{{o, true}, {wide, false}} {
		watch := &oracle{}
		watch.watch(r, 0)
		invoke(r.instance(rewrite(t, b.bytes(), c.options).Wasm), "f0")
		if within := watch.most <= o.Bound(); within != c.within {
			t.Errorf("a weight of %d without a payment, the bound is %d", watch.most, o.Bound())
		}
	}
}

// A recursion that has much to do after each call, on its way back, where no
// function is entered and no loop repeats: a little counts as stack, much is paid.
func TestReturnsAreBounded(t *testing.T) {
	const depth = 2000
	r := newRig(t, wazero.NewRuntimeConfig())
	for _, c := range []struct{ rest, limit int64 }{
		{10, depth * 200}, {100, depth * 300}, {800, Options{}.Bound()}, {1000, 3000}, {10_000, 30_000},
	} {
		b := newBuild()
		tick := b.host("env", "tick", []ValueType{I32}, nil)
		f := b.declare([]ValueType{I32}, nil)
		b.define(f, nil, get(0), ops(opI32Eqz), iff(ops(opReturn)), get(0), i32c(1), ops(0x6b), callf(f),
			i32c(c.rest), callf(tick), slices.Repeat(slices.Concat(i32c(0), ops(opDrop)), int(c.rest)))
		b.export("f0", kindFunc, f)
		watch := &oracle{}
		watch.watch(r, 0)
		mod := r.instance(rewrite(t, b.bytes(), Options{}).Wasm)
		if _, end := invoke(mod, "f0", depth); end != "" || watch.most > c.limit || watch.total < depth*c.rest {
			t.Errorf("%d after each call: %d ran, %d without a payment, the limit is %d; ended by %q", c.rest, watch.total, watch.most, c.limit, end)
		}
	}
}
