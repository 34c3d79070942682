package meter

import (
	"slices"
	"testing"
)

// All encodings of element segments, and ref.func everywhere it may stand, still
// mean the same functions.
func TestFunctionReferencesAreShifted(t *testing.T) {
	b := newBuild()
	b.host("env", "tick", []ValueType{I32}, nil)
	i32 := []ValueType{I32}
	var fns []uint32
	for n := range int64(8) {
		fns = append(fns, b.fn(nil, i32, nil, i32c(100+n)))
	}
	ref := func(i int) []byte { return []byte{opRefFunc, byte(fns[i]), opEnd} }
	index := func(i int) []byte { return []byte{byte(fns[i])} }
	at := func(n byte) []byte { return []byte{opI32Const, n, opEnd} }
	elem := func(parts ...[]byte) { b.elems = append(b.elems, slices.Concat(parts...)) }
	b.tables = [][]byte{{byte(Funcref), 0, 16}, {byte(Funcref), 0, 16}}
	elem([]byte{0}, at(0), []byte{1}, index(0))
	elem([]byte{1, 0, 1}, index(1)) // passive
	elem([]byte{2, 1}, at(1), []byte{0, 1}, index(2))
	elem([]byte{3, 0, 1}, index(3)) // declarative
	elem([]byte{4}, at(2), []byte{1}, ref(4))
	elem([]byte{5, byte(Funcref), 1}, ref(5)) // passive
	elem([]byte{6, 1}, at(3), []byte{byte(Funcref), 2}, ref(6), []byte{0xd0, 0x70, opEnd})
	elem([]byte{7, byte(Funcref), 1}, ref(7)) // declarative
	g := b.global(Funcref, false, ref(3)[:2]...)

	typ := b.typ(nil, i32)
	through := func(table byte, slot int64) []byte {
		return append(append(i32c(slot), opCallIndirect, byte(typ)), table)
	}
	init := func(segment byte, slot int64) []byte {
		return slices.Concat(i32c(slot), i32c(0), i32c(1), []byte{prefixMisc, miscTableInit, segment, 0})
	}
	for name, code := range map[string][]byte{
		"0": through(0, 0),
		"1": slices.Concat(init(1, 7), through(0, 7)),
		"2": through(1, 1),
		"3": slices.Concat(i32c(8), gget(g), ops(opTableSet, 0), through(0, 8)),
		"4": through(0, 2),
		"5": slices.Concat(init(5, 9), through(0, 9)),
		"6": through(1, 3),
		"7": slices.Concat(i32c(10), ref(7)[:2], ops(opTableSet, 0), through(0, 10)),
	} {
		b.export("f"+name, kindFunc, b.fn(nil, i32, nil, code))
	}
	res := rewrite(t, b.bytes(), Options{})
	r := newRig(t, interpreter())
	for _, wasm := range [][]byte{b.bytes(), res.Wasm} {
		mod := r.instance(wasm)
		for i := range 8 {
			got, trap := invoke(mod, "f"+string(rune('0'+i)))
			if trap != "" || got[0] != uint64(100+i) {
				t.Errorf("f%d: %v %q, want %d", i, got, trap, 100+i)
			}
		}
	}
}
