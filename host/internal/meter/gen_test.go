package meter

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// gen makes random modules that are valid and end: every repetition and every
// call first takes one from a budget in a global, and returns when it is spent.
// With ticks, the module tells the host what it runs: before each statement it
// calls env.tick with the number of instructions that follow.
type gen struct {
	*build
	r      *rand.Rand
	ticks  bool
	tick   uint32
	spend  uint32 // the budget's global
	sigs   []funcType
	fns    []uint32
	params []ValueType // of the function being made, then its locals
	typ    funcType
	labels []bool // open labels, outermost first: whether a branch there repeats
	room   int    // statements left in this function
}

var number = []ValueType{I32, I64, F64}

// generate makes a module with exports f0, f1, … and globals g0, g1, …
func generate(r *rand.Rand, ticks bool, budget int64) (wasm []byte, fns []funcType) {
	g := &gen{build: newBuild(), r: r, ticks: ticks}
	g.tick = g.host("env", "tick", []ValueType{I32}, nil)
	g.memory = []byte{1, 1, 2}
	g.spend = g.global(I64, true, i64c(budget)...)
	g.global(I32, true, i32c(7)...)
	g.global(I64, true, i64c(-3)...)
	g.global(F64, true, append([]byte{0x44}, make([]byte, 8)...)...)
	n := 2 + r.IntN(7)
	for range n {
		var t funcType
		for range r.IntN(4) {
			t.params = append(t.params, pick(r, number))
		}
		for range r.IntN(3) {
			t.results = append(t.results, pick(r, number))
		}
		if len(g.sigs) > 0 && r.IntN(2) == 0 {
			t = pick(r, g.sigs) // so that indirect and tail calls find a match
		}
		g.sigs = append(g.sigs, t)
		g.fns = append(g.fns, g.declare(t.params, t.results))
	}
	for i, fn := range g.fns {
		g.function(fn, g.sigs[i])
		g.export(fmt.Sprintf("f%d", i), kindFunc, fn)
	}
	table := slices.Clone(g.fns)
	r.Shuffle(len(table), func(i, j int) { table[i], table[j] = table[j], table[i] })
	g.table(table[:1+r.IntN(n)]...)
	g.segment(16, "some data")
	g.segment(40, "and more")
	g.segment(20, "over")
	for i := range uint32(4) {
		g.export(fmt.Sprintf("g%d", i), kindGlobal, i)
	}
	g.export("memory", kindMemory, 0)
	if t := g.sigs[0]; len(t.params)+len(t.results) == 0 && r.IntN(2) == 0 {
		g.start = int(g.fns[0])
	}
	return g.bytes(), g.sigs
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (g *gen) function(fn uint32, t funcType) {
	g.typ, g.params, g.labels = t, slices.Clone(t.params), []bool{false}
	var locals []ValueType
	for range 3 + g.r.IntN(3) {
		locals = append(locals, pick(g.r, number))
	}
	locals = append(locals, I32, I32)
	g.params = append(g.params, locals...)
	g.room = 4 + g.r.IntN(40)
	code := g.guard()
	for g.room > 0 && g.r.IntN(12) > 0 {
		code = append(code, g.statement(0)...)
	}
	for _, v := range t.results {
		code = append(code, g.expr(v, 2)...)
	}
	g.define(fn, locals, g.ticked(code[:0:0], len(t.results)), code)
}

// guard takes one from the budget and returns when it is spent.
func (g *gen) guard() []byte {
	code := slices.Concat(gget(g.spend), i64c(1), ops(opI64Sub), gset(g.spend), gget(g.spend), i64c(0), ops(0x53)) // i64.lt_s
	ret := []byte{}
	for _, v := range g.typ.results {
		ret = append(ret, zero(v)...)
	}
	return slices.Concat(g.ticked(nil, 9), code, iff(ret, ops(opReturn)))
}

func zero(t ValueType) []byte {
	switch t {
	case I32:
		return i32c(0)
	case I64:
		return i64c(0)
	}
	return append([]byte{0x44}, make([]byte, 8)...)
}

// ticked puts a tick in front of code of so many instructions.
func (g *gen) ticked(code []byte, count int) []byte {
	if !g.ticks || count == 0 {
		return code
	}
	return slices.Concat(i32c(int64(count)), callf(g.tick), code)
}

// expr is an expression of a type. With ticks it has no traps and no calls.
func (g *gen) expr(t ValueType, depth int) []byte {
	if depth > 0 && g.r.IntN(3) > 0 {
		a, b := g.expr(t, depth-1), g.expr(t, depth-1)
		switch t {
		case I32:
			return slices.Concat(a, b, ops(pick(g.r, []byte{0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x48, 0x4d})))
		case I64:
			return slices.Concat(a, b, ops(pick(g.r, []byte{0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x88})))
		}
		return slices.Concat(a, b, ops(pick(g.r, []byte{0xa0, 0xa1, 0xa2})))
	}
	switch g.r.IntN(4) {
	case 0:
		if i, ok := g.variable(t); ok {
			return get(i)
		}
	case 1:
		switch t { // a load, in bounds
		case I32:
			return slices.Concat(g.address(), ops(0x28, 2, 0))
		case I64:
			return slices.Concat(g.address(), ops(0x29, 3, 0))
		}
		return gget(3)
	case 2:
		switch t {
		case I32:
			return gget(1)
		case I64:
			return gget(2)
		}
	}
	switch t {
	case I32:
		return i32c(int64(int32(g.r.Uint32() >> g.r.IntN(32))))
	case I64:
		return i64c(int64(g.r.Uint64() >> g.r.IntN(64)))
	}
	return slices.Concat(i32c(int64(g.r.IntN(100))), ops(0xb7)) // f64.convert_i32_s
}

func (g *gen) address() []byte {
	i, ok := g.variable(I32)
	if !ok {
		return i32c(int64(g.r.IntN(60000)))
	}
	return slices.Concat(get(i), i32c(0xfff8), ops(0x71))
}

func (g *gen) variable(t ValueType) (uint32, bool) {
	var found []uint32
	for i, v := range g.params {
		if v == t {
			found = append(found, uint32(i))
		}
	}
	if len(found) == 0 {
		return 0, false
	}
	return pick(g.r, found), true
}
