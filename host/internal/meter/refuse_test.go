package meter

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestRefusedModules(t *testing.T) {
	sections := func(parts ...[]byte) []byte {
		return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(parts...)...)
	}
	section := func(id byte, content ...byte) []byte { return appendSection(nil, id, content) }
	one := func(change func(b *build)) []byte {
		b := newBuild()
		f := b.fn(nil, nil, nil)
		b.export("run", kindFunc, f)
		change(b)
		return b.bytes()
	}
	for _, c := range []struct {
		name string
		wasm []byte
		kind error
		want string
	}{
		{"empty", nil, ErrMalformed, "header"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), ErrMalformed, "header"},
		{"cut off", one(func(*build) {})[:20], ErrMalformed, "byte 0x"},
		{"sections out of order", sections(section(3, 0), section(1, 0)), ErrMalformed, "type section is out of order"},
		{"a section twice", sections(section(1, 0), section(1, 0)), ErrMalformed, "out of order"},
		{"an unknown section", sections(section(14, 0)), ErrMalformed, "unknown section 14"},
		{"bytes left over", sections(section(1, 0, 0)), ErrMalformed, "too many"},
		{"a count no section can hold", sections(section(1, 0xff, 0xff, 0xff, 0xff, 0x0f)), ErrMalformed, "announced"},
		{"functions without code", sections(section(1, 1, 0x60, 0, 0), section(3, 1, 0)), ErrMalformed, "1 functions are declared, 0 have code"},
		{"a tag section", sections(section(13, 0)), ErrUnsupported, "exception handling"},
		{"an imported tag", sections(section(2, 1, 0, 0, 4, 0, 0)), ErrUnsupported, "exception handling"},
		{"a shared memory", sections(section(5, 1, 3, 1, 1)), ErrUnsupported, "threads"},
		{"a 64-bit memory", sections(section(5, 1, 4, 1)), ErrUnsupported, "memory64"},
		{"two memories", sections(section(5, 2, 0, 1, 0, 1)), ErrUnsupported, "multiple memories"},
		{"an imported and an own memory", sections(section(2, 1, 0, 0, 2, 0, 1), section(5, 1, 0, 1)), ErrUnsupported, "multiple memories"},
		{"data for another memory", sections(section(11, 1, 2, 1, opI32Const, 0, opEnd, 0)), ErrUnsupported, "multiple memories"},
		{"a recursive type", sections(section(1, 1, 0x4e, 0)), ErrUnsupported, "garbage collection"},
		{"a typed reference", sections(section(1, 1, 0x60, 1, 0x63, 0, 0)), ErrUnsupported, "typed function references"},
		{"a table with an initial value", sections(section(4, 1, 0x40, 0)), ErrUnsupported, "typed function references"},
		{"an exnref", sections(section(6, 1, 0x69, 0)), ErrUnsupported, "exception handling"},
		{"a start function that takes something", one(func(b *build) { b.start = int(b.fn([]ValueType{I32}, nil, nil)) }), ErrMalformed, "start function"},
		{"a start function that does not exist", one(func(b *build) { b.start = 7 }), ErrMalformed, "start function 7"},
		{"the same export twice", one(func(b *build) { b.export("run", kindFunc, 0) }), ErrMalformed, `"run" is exported twice`},
		{"a reserved export", one(func(b *build) { b.export("wasmlane_state", kindFunc, 0) }), ErrReserved, `"wasmlane_state"`},
		{"the yield module", one(func(b *build) {
			*b = *newBuild()
			b.host(DefaultModule, "yield", nil, nil)
		}), ErrReserved, `from "wasmlane_meter"`},
		{"too many locals", one(func(b *build) {
			f := b.declare(nil, nil)
			b.define(f, nil)
			b.funcs[f] = append(appendU32([]byte{1}, 50_001), byte(I32), opEnd)
		}), ErrLimit, "50001 local variables, the limit is 50000"},
		{"billions of locals", one(func(b *build) {
			f := b.declare(nil, nil)
			b.funcs[f] = []byte{2, 0xff, 0xff, 0xff, 0xff, 0x0f, byte(I32), 0xff, 0xff, 0xff, 0xff, 0x0f, byte(I32), opEnd}
		}), ErrLimit, "8589934590 local variables"},
		// What the rewrite adds must stay out of the guest's reach: one index too far.
		{"the state's global, read", one(func(b *build) { b.fn(nil, nil, nil, gget(0), ops(opDrop)) }), ErrMalformed, "global 0"},
		{"the state's global, written", one(func(b *build) { b.fn(nil, nil, nil, i64c(1), gset(0)) }), ErrMalformed, "global 0"},
		{"the state's global, exported", one(func(b *build) { b.export("x", kindGlobal, 0) }), ErrMalformed, `"x"`},
		{"the state's global, in a constant", one(func(b *build) { b.global(I64, false, gget(1)...) }), ErrMalformed, "global"},
		{"an added local", one(func(b *build) { b.fn(nil, nil, nil, loop(get(0), ops(opDrop), br(0))) }), ErrMalformed, "local variable 0"},
		{"an added function, called", one(func(b *build) { b.fn(nil, nil, nil, callf(2)) }), ErrMalformed, "function 2"},
		{"an added function, referred to", one(func(b *build) { b.fn(nil, nil, nil, ops(opRefFunc, 2, opDrop)) }), ErrMalformed, "function 2"},
		{"an added function, in a table", one(func(b *build) { b.table(1) }), ErrMalformed, "function 1"},
		{"an added function, exported", one(func(b *build) { b.export("x", kindFunc, 1) }), ErrMalformed, `"x"`},
		{"an added type", one(func(b *build) { b.fn(nil, nil, nil, i32c(0), indirect(1)) }), ErrMalformed, "type 1"},
		{"an added label", one(func(b *build) { b.fn(nil, nil, nil, loop(br(2))) }), ErrMalformed, "label 2"},
		{"an added label, by br_table", one(func(b *build) { b.fn(nil, nil, nil, loop(i32c(0), brTable(2, 0))) }), ErrMalformed, "label 2"},
		{"an else without an if", one(func(b *build) { b.fn(nil, nil, nil, ops(opElse)) }), ErrMalformed, "else"},
		{"code after the end", one(func(b *build) { b.fn(nil, nil, nil, ops(opEnd, 0x01)) }), ErrMalformed, "after the end"},
		{"code without an end", one(func(b *build) { b.fn(nil, nil, nil, ops(opBlock, 0x40)) }), ErrMalformed, "does not end"},
	} {
		_, err := Rewrite(c.wasm, Options{})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %v with %q", c.name, err, c.kind, c.want)
		}
	}
	if _, err := Rewrite(one(func(b *build) { b.export("wasmlane_init", kindFunc, 0) }), Options{Allowed: []string{"wasmlane_init"}}); err != nil {
		t.Errorf("an allowed export: %v", err)
	}
}
