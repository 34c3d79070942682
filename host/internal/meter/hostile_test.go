package meter

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// Guests that mean harm. Each of them runs forever, or nearly, if nothing stops it.
func TestHostileGuestsAreStopped(t *testing.T) {
	none := []ValueType(nil)
	i32 := []ValueType{I32}
	drop := ops(opDrop)
	for _, c := range []struct {
		name  string
		stack bool // ended by the stack limit, or by yield
		make  func(b *build) []byte
	}{
		{"infinite loop", false, func(b *build) []byte { return loop(br(0)) }},
		{"infinite loop by br_if", false, func(b *build) []byte { return loop(i32c(1), brif(0)) }},
		{"infinite loop by br_table", false, func(b *build) []byte { return loop(i32c(3), brTable(0, 0)) }},
		{"br_table of loops and blocks", false, func(b *build) []byte {
			return loop(blk(loop(i32c(1), brTable(1, 2, 0))), br(0))
		}},
		{"loop with a parameter", false, func(b *build) []byte {
			return slices.Concat(i32c(1), appendU32([]byte{opLoop}, b.typ(i32, i32)), br(0), ops(opEnd), drop)
		}},
		{"loop with a parameter, conditional", false, func(b *build) []byte {
			return slices.Concat(i32c(1), appendU32([]byte{opLoop}, b.typ(i32, i32)), i32c(1), brif(0), ops(opEnd), drop)
		}},
		{"loop with a parameter, br_table", false, func(b *build) []byte {
			return slices.Concat(i32c(1), appendU32([]byte{opLoop}, b.typ(i32, i32)), i32c(0), brTable(0, 0), ops(opEnd), drop)
		}},
		{"fat loop body", false, func(b *build) []byte {
			return loop(bytes.Repeat(slices.Concat(i32c(1), i32c(3), ops(0x6e), drop), 50_000), br(0))
		}},
		{"loop that looks like Go's", false, func(b *build) []byte {
			return loop(blk(blk(get(0), brTable(0, 1)), i32c(0), set(0), br(1)), i32c(0), set(0), br(0))
		}},
		{"Go's loop, jumping on by a number beyond the table", false, func(b *build) []byte {
			return loop(blk(blk(get(0), brTable(1, 0)), i32c(-1), set(0), br(1)), i32c(7), set(0), br(0))
		}},
		{"memory.fill over all memory", false, func(b *build) []byte {
			return loop(i32c(0), i32c(0), i32c(16<<20), ops(prefixMisc, miscMemoryFill, 0), br(0))
		}},
		{"exponential recursion", false, func(b *build) []byte {
			f := b.declare(i32, i32)
			b.define(f, nil, get(0), i32c(2), ops(0x48), iff(get(0), ops(opReturn)),
				get(0), i32c(1), ops(0x6b), callf(f), get(0), i32c(2), ops(0x6b), callf(f), ops(0x6a))
			return slices.Concat(i32c(60), callf(f), drop)
		}},
		{"tower of calls", false, func(b *build) []byte {
			last := b.fn(none, none, nil)
			for range 60 {
				last = b.fn(none, none, nil, callf(last), callf(last))
			}
			return callf(last)
		}},
		{"tower of calls through a table", false, func(b *build) []byte {
			var fns []uint32
			typ := b.typ(none, none)
			for i := range 60 {
				var code []byte
				if i > 0 {
					code = slices.Concat(i32c(int64(i-1)), indirect(typ), i32c(int64(i-1)), indirect(typ))
				}
				fns = append(fns, b.fn(none, none, nil, code))
			}
			b.table(fns...)
			return callf(fns[59])
		}},
		{"tail calls to itself", false, func(b *build) []byte {
			f := b.declare(none, none)
			b.define(f, nil, tailf(f))
			return callf(f)
		}},
		{"tail calls in a circle through a table", false, func(b *build) []byte {
			f, g := b.declare(none, none), b.declare(none, none)
			b.define(f, nil, tailf(g))
			b.define(g, nil, i32c(0), tailInd(b.typ(none, none)))
			b.table(f)
			return callf(f)
		}},
		{"recursion", true, func(b *build) []byte {
			f := b.declare(none, none)
			b.define(f, nil, callf(f), callf(f))
			return callf(f)
		}},
		{"recursion of functions in a circle", true, func(b *build) []byte {
			var fns []uint32
			for range 100 {
				fns = append(fns, b.declare(none, none))
			}
			for i, f := range fns {
				b.define(f, nil, callf(fns[(i+1)%100]))
			}
			return callf(fns[0])
		}},
		{"recursion through a table", true, func(b *build) []byte {
			f := b.declare(none, none)
			b.define(f, nil, i32c(0), indirect(b.typ(none, none)))
			b.table(f)
			return callf(f)
		}},
		{"recursion by tail calls the engine cannot make", true, func(b *build) []byte {
			many := slices.Repeat(i32, 30)
			f := b.declare(many, none)
			b.define(f, nil, bytes.Repeat(get(0), 30), tailf(f))
			return slices.Concat(bytes.Repeat(i32c(0), 30), callf(f))
		}},
		{"recursion through a tail call, which gives back what its caller counted", true, func(b *build) []byte {
			f, g := b.declare(none, none), b.declare(none, none)
			b.define(f, nil, tailf(g))
			b.define(g, nil, callf(f))
			return callf(f)
		}},
		{"recursion through a tail call by a table", true, func(b *build) []byte {
			f, g := b.declare(none, none), b.declare(none, none)
			b.define(f, nil, i32c(0), tailInd(b.typ(none, none)))
			b.define(g, nil, callf(f))
			b.table(g)
			return callf(f)
		}},
		{"recursion with 50 000 locals", true, func(b *build) []byte {
			f := b.declare(none, none)
			locals := slices.Repeat([]ValueType{I64}, 50_000)
			b.define(f, locals, callf(f), get(49_999), drop)
			return callf(f)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuild()
			b.memory = []byte{0, 0x80, 2} // 16 MiB
			code := c.make(b)
			b.export("run", kindFunc, b.fn(nil, nil, i32, code))
			res := rewrite(t, b.bytes(), Options{})
			r := newRig(t, wazero.NewRuntimeConfig())
			r.yield = stopAfter(3)
			want := errStopped
			if c.stack {
				r.yield, want = stopAfter(1_000_000), errStack
			}
			mod := r.instance(res.Wasm)
			if _, end := invoke(mod, "run"); !strings.HasPrefix(end, want.Error()) {
				t.Errorf("it ended with %q, want %q", end, want)
			}
		})
	}
}

// One call of a function with many locals costs what it costs the engine: all of
// them are set to zero.
func TestLocalsHaveWeight(t *testing.T) {
	b := newBuild()
	tick := b.host("env", "tick", []ValueType{I32}, nil)
	f := b.fn(nil, nil, slices.Repeat([]ValueType{I64}, 40_000), i32c(1), callf(tick))
	b.export("run", kindFunc, b.fn(nil, nil, nil, loop(callf(f), br(0))))
	r := newRig(t, interpreter())
	calls := 0
	r.tick = func(uint32) { calls++ }
	r.yield = stopAfter(1)
	invoke(r.instance(rewrite(t, b.bytes(), Options{}).Wasm), "run")
	if limit := Slice / 10_000 * 2; calls > limit {
		t.Errorf("%d calls for one slice, want at most %d", calls, limit)
	}
}

// Modules that are hard on whoever reads them.
func TestHugeShapes(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20)) // recursion of our own would end the test
	const n = 100_000
	for name, make := range map[string]func(b *build){
		"deep nesting": func(b *build) {
			b.fn(nil, nil, nil, bytes.Repeat([]byte{opLoop, 0x40}, n), br(n/2), bytes.Repeat(ops(opEnd), n))
		},
		"a chain of calls": func(b *build) {
			last := b.fn(nil, nil, nil)
			for range n {
				last = b.fn(nil, nil, nil, callf(last))
			}
		},
		"a circle of calls": func(b *build) {
			for i := range uint32(n) {
				b.fn(nil, nil, nil, callf((i+1)%n))
			}
		},
		"many small circles": func(b *build) {
			for i := range uint32(n) {
				b.fn(nil, nil, nil, callf(i^1), callf((i+2)%n))
			}
		},
		"everything through one type": func(b *build) {
			fns := make([]uint32, n)
			for i := range fns {
				fns[i] = b.fn(nil, nil, nil, i32c(0), indirect(b.typ(nil, nil)))
			}
			b.table(fns...)
		},
		"a large br_table": func(b *build) {
			b.fn(nil, nil, nil, loop(i32c(0), brTable(make([]uint32, n)...)))
		},
		"a type for every function": func(b *build) {
			for i := range n / 10 {
				results := slices.Repeat([]ValueType{I32}, 2+i%7)
				for k := range results {
					results[k] = []ValueType{I32, I64, F32, F64}[i>>(2*k)&3]
				}
				b.types = append(b.types, funcType{results: results})
				b.kinds = append(b.kinds, uint32(len(b.types)-1))
				b.funcs = append(b.funcs, slices.Concat(ops(0), loop(br(0)), ops(opUnreachable, opEnd)))
			}
		},
		"data with gaps": func(b *build) {
			for i := range int32(n) {
				b.segment(i*1000, "x")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuild()
			make(b)
			wasm := b.bytes()
			res := rewrite(t, wasm, Options{})
			if limit := 12*len(wasm) + 2*maxDataGaps; len(res.Wasm) > limit {
				t.Errorf("%d bytes became %d", len(wasm), len(res.Wasm))
			}
			fmt.Fprintln(t.Output(), len(wasm), "bytes became", len(res.Wasm))
		})
	}
}
