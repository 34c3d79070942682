package meter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every opcode there can be is taken by Rewrite if the engine takes it, and refused
// if not. The instruction stands in code that cannot be reached, where it may take
// whatever it likes from the stack.
func TestOpcodesAreThoseOfTheEngine(t *testing.T) {
	r := newRig(t, interpreter())
	immediates := map[imm][]byte{
		immNone: {}, immBlock: {0x40, opEnd}, immLabel: {0}, immTable: {1, 0, 0}, immFunc: {0}, immIndirect: {0, 0},
		immLocal: {0}, immGlobal: {0}, immIndex: {0}, immTwo: {0, 0}, immMemarg: {0, 0}, immZero: {0}, immInitZero: {0, 0}, immZeroZero: {0, 0},
		immI32: {0}, immI64: {0}, imm4: make([]byte, 4), imm8: make([]byte, 8), imm16: make([]byte, 16),
		immLane: {0}, immMemlane: {0, 0, 0}, immRef: {byte(Funcref)}, immSelect: {1, byte(I32)},
	}
	taken := 0
	try := func(name string, row opcode, opcode ...byte) {
		guesses := [][]byte{immediates[row.imm]}
		if row.imm == immUnknown { // does the engine take it, whatever follows?
			guesses = [][]byte{{}, {0}, {0, 0}, {0x40, opEnd}, make([]byte, 16)}
		}
		for _, guess := range guesses {
			wasm := oneInstruction(append(slices.Clone(opcode), guess...))
			engine := valid(r.engine, wasm)
			res, err := Rewrite(wasm, Options{})
			switch {
			case engine == nil && err != nil:
				t.Errorf("%s is refused, the engine takes it: %v", name, err)
			case row.imm == immUnknown && err == nil:
				t.Errorf("%s is taken, and is not in the table", name)
			case engine != nil && row.imm != immUnknown:
				t.Errorf("%s is in the table, the engine refuses it: %v", name, engine)
			case err == nil:
				taken++
				if err := valid(r.engine, res.Wasm); err != nil {
					t.Errorf("%s: the result does not validate: %v", name, err)
				}
			}
		}
	}
	for op := range 256 {
		switch op {
		case prefixMisc, prefixSIMD, opElse, opEnd, 0xfe: // with more bytes, or part of a block
			continue
		case 0x1f: // a try_table may have any bytes after it
			continue
		}
		try(fmt.Sprintf("%#x", op), core(byte(op)), byte(op))
	}
	for sub := range uint32(32) {
		try(fmt.Sprintf("0xfc %d", sub), misc(sub), appendU32([]byte{prefixMisc}, sub)...)
	}
	for sub := range uint32(256) {
		try(fmt.Sprintf("0xfd %#x", sub), simd(sub), appendU32([]byte{prefixSIMD}, sub)...)
	}
	if taken < 400 {
		t.Errorf("%d opcodes were taken", taken)
	}
}

func oneInstruction(code []byte) []byte {
	b := newBuild()
	b.memory = []byte{0, 1}
	f := b.declare(nil, nil)
	b.define(f, []ValueType{I32}, ops(opUnreachable), code, ops(opUnreachable))
	b.global(I32, true, i32c(0)...)
	b.table(f)
	b.segment(0, "data")
	b.counted = true
	b.typ(nil, nil)
	return b.bytes()
}

func TestRefusedInstructionsAreNamed(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"\x06\x40\x0b", "exception handling"},
		{"\x08\x00", "exception handling"},
		{"\x1f\x40\x00\x0b", "exception handling"},
		{"\xfe\x03\x00", "threads"},
		{"\x14\x00", "typed function references"},
		{"\xd4", "typed function references"},
		{"\xfb\x00\x00", "garbage collection"},
		{"\xfd\x80\x02", "relaxed SIMD"},
		{"\xfd\x9a\x01", "an unknown instruction"},
		{"\x27", "an unknown instruction"},
		{"\x3f\x01", "multiple memories"},
		{"\x28\x42\x00\x00", "multiple memories"},
		{"\x28\x02\x80\x80\x80\x80\x80\x01", "memory64"},
		{"\x02\x69\x0b", "exception handling"},
		{"\x1c\x01\x64", "typed function references"},
	} {
		_, err := Rewrite(oneInstruction([]byte(c.code)), Options{})
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "at byte 0x") {
			t.Errorf("%q: %v; want it to name %s and a place", c.code, err, c.want)
		}
	}
}
