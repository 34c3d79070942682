package meter

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

func TestGlobalsAreExported(t *testing.T) {
	b := newBuild()
	b.global(I32, false, i32c(1)...)
	b.global(I32, true, i32c(2)...)
	b.global(F64, true, zero(F64)...)
	vec := b.global(V128, true, append([]byte{prefixSIMD, 0x0c}, "0123456789abcdef"...)...)
	low := b.fn(nil, []ValueType{I64}, nil, gget(vec), ops(prefixSIMD, 0x1d, 1))
	b.export("high", kindFunc, low)
	res := rewrite(t, b.bytes(), Options{})
	want := []Global{
		{Export: "wasmlane_global_1", Type: I32},
		{Export: "wasmlane_global_2", Type: F64},
		{Export: "wasmlane_global_3", Type: V128, Get: "wasmlane_global_3_get", Set: "wasmlane_global_3_set"},
	}
	if !slices.Equal(res.Globals, want) {
		t.Fatalf("globals %+v", res.Globals)
	}
	mod := newRig(t, interpreter()).instance(res.Wasm)
	mod.ExportedGlobal("wasmlane_global_1").(api.MutableGlobal).Set(7)
	if got, _ := invoke(mod, "wasmlane_global_3_get"); got[0] != 0x3736353433323130 || got[1] != 0x6665646362613938 {
		t.Errorf("the vector is %#x", got)
	}
	invoke(mod, "wasmlane_global_3_set", 1, 2)
	if got, _ := invoke(mod, "wasmlane_global_3_get"); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("the vector is %#x after setting it", got)
	}
	if got, _ := invoke(mod, "high"); got[0] != 2 {
		t.Errorf("the guest sees %#x", got)
	}
	if got := mod.ExportedGlobal(res.State).Get(); got != NewState(0) || FuelLeft(got) != 0 || StackSpent(got) {
		t.Errorf("the state starts as %#x", got)
	}
}

func TestStartIsExportedAndNotRun(t *testing.T) {
	b := newBuild()
	g := b.global(I32, true, i32c(0)...)
	b.export("g", kindGlobal, g)
	b.start = int(b.fn(nil, nil, nil, gget(g), i32c(1), ops(0x6a), gset(g)))
	res := rewrite(t, b.bytes(), Options{})
	if res.Start != "wasmlane_start" {
		t.Fatalf("start is %q", res.Start)
	}
	r := newRig(t, interpreter())
	mod, err := r.engine.InstantiateWithConfig(t.Context(), res.Wasm, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	if got := mod.ExportedGlobal("g").Get(); got != 0 {
		t.Error("the start function ran by itself")
	}
	invoke(mod, res.Start)
	if got := mod.ExportedGlobal("g").Get(); got != 1 {
		t.Errorf("after it was called, the global is %d", got)
	}
}

func TestMemoryMaximumIsRaised(t *testing.T) {
	for _, c := range []struct {
		limits  []byte
		want    []byte
		max     uint32
		bounded bool
	}{
		{[]byte{0, 1}, []byte{0, 1}, 0, false},
		{[]byte{1, 1, 4}, []byte{1, 1, 5}, 4, true},
		{[]byte{1, 1, 0x80, 0x80, 4}, []byte{1, 1, 0x80, 0x80, 4}, 1 << 16, true},
	} {
		b := newBuild()
		b.memory = c.limits
		res := rewrite(t, b.bytes(), Options{})
		if res.MemoryMax != c.max || res.HasMemoryMax != c.bounded {
			t.Errorf("%v: maximum %d, %v", c.limits, res.MemoryMax, res.HasMemoryMax)
		}
		if section := append([]byte{5, byte(1 + len(c.want)), 1}, c.want...); !bytes.Contains(res.Wasm, section) {
			t.Errorf("%v: no memory section %v in %x", c.limits, section, res.Wasm)
		}
	}
}

func TestDataSegmentsAreJoined(t *testing.T) {
	join := func(named bool, add func(b *build)) (count int, memory []byte) {
		b := newBuild()
		b.memory = []byte{0, 1}
		b.export("memory", kindMemory, 0)
		add(b)
		if named {
			b.counted = true
			b.fn(nil, nil, nil, ops(prefixMisc, miscDataDrop, 0))
		}
		res := rewrite(t, b.bytes(), Options{})
		m, err := parse(res.Wasm, Options{}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, interpreter())
		plain, _ := r.instance(b.bytes()).Memory().Read(0, 1<<16)
		memory, _ = r.instance(res.Wasm).Memory().Read(0, 1<<16)
		if !bytes.Equal(plain, memory) {
			t.Error("joining changes what is in memory")
		}
		return len(m.data), memory
	}
	near := func(b *build) { b.segment(8, "one"); b.segment(100, "two"); b.segment(103, "three") }
	if n, _ := join(false, near); n != 1 {
		t.Errorf("near segments: %d left", n)
	}
	if n, _ := join(true, near); n != 3 {
		t.Errorf("segments that code names: %d left of 3", n)
	}
	if n, _ := join(false, func(b *build) { b.segment(8, "one"); b.segment(8000, "two") }); n != 2 {
		t.Errorf("segments far apart: %d left of 2", n)
	}
	// A gap that an earlier segment has filled must not become zeros.
	n, memory := join(false, func(b *build) { b.segment(50, "under"); b.segment(8, "a"); b.segment(90, "b") })
	if n != 3 || string(memory[50:55]) != "under" {
		t.Errorf("%d segments, %q", n, memory[50:55])
	}
	if n, memory = join(false, func(b *build) { b.segment(8, "abcdef"); b.segment(10, "XY") }); string(memory[8:14]) != "abXYef" {
		t.Errorf("%d segments, %q", n, memory[8:14])
	}
}

// Stack traces name the functions that they named before.
func TestNamesAreRenumbered(t *testing.T) {
	b := newBuild()
	b.host("env", "tick", []ValueType{I32}, nil)
	inner := b.fn(nil, nil, nil, ops(opUnreachable))
	b.export("run", kindFunc, b.fn(nil, nil, []ValueType{I32}, callf(inner)))
	funcs := []byte{3, 0}
	funcs = appendU32(appendName(funcs, "the import"), 1)
	funcs = appendU32(appendName(funcs, "inner one"), 2)
	funcs = appendName(funcs, "outer one")
	locals := append([]byte{1, 2, 1, 0}, appendName(nil, "variable")...)
	names := appendName(nil, "name")
	names = appendBytes(append(names, 1), funcs)
	names = appendBytes(append(names, 2), locals)
	names = appendBytes(append(names, 3), []byte{0}) // labels
	b.customs = appendSection(nil, 0, names)
	b.customs = appendSection(b.customs, 0, append(appendName(nil, "producers"), 0))
	b.customs = appendSection(b.customs, 0, append(appendName(nil, ".debug_line"), "offsets"...))
	res := rewrite(t, b.bytes(), Options{})
	mod := newRig(t, interpreter()).instance(res.Wasm)
	_, err := mod.ExportedFunction("run").Call(context.Background())
	text := err.Error()
	if i, o := strings.Index(text, "inner one"), strings.Index(text, "outer one"); i < 0 || o < i {
		t.Errorf("the stack does not name the functions:\n%s", text)
	}
	m, parseErr := parse(res.Wasm, Options{}.withDefaults())
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	if !bytes.Contains(m.nameSection, []byte("\x01wasmlane")) && !bytes.Contains(m.nameSection, []byte("wasmlane_meter.yield")) {
		t.Error("yield has no name")
	}
	if !bytes.Contains(m.nameSection, []byte("\x02\x0d\x01\x03\x01\x00\x08variable")) {
		t.Errorf("the local names are not those of function 3: %q", m.nameSection)
	}
	if m.producers == nil || bytes.Contains(res.Wasm, []byte("debug_line")) {
		t.Error("of the other sections, producers alone should be left")
	}
}

// A name section that makes no sense is dropped: it never made a module invalid.
func TestBrokenNamesAreDropped(t *testing.T) {
	for _, section := range []string{"\x01\xff", "\x01\x03\x01\x09\x00", "\x01\x04\x01\x00\x01\xff", "\x01\x01\x00\x01\x01\x00", "\x02\x03\x01\x00"} {
		b := newBuild()
		b.fn(nil, nil, nil)
		b.customs = appendSection(nil, 0, append(appendName(nil, "name"), section...))
		if res := rewrite(t, b.bytes(), Options{}); bytes.Contains(res.Wasm, []byte("\x04name")) {
			t.Errorf("%q is still there", section)
		}
	}
}

func TestResetReport(t *testing.T) {
	for _, c := range []struct {
		name string
		code []byte
		want string
	}{
		{"table.set", slices.Concat(i32c(0), ops(0xd0, 0x70, opTableSet, 0)), "tables"},
		{"table.grow", slices.Concat(ops(0xd0, 0x70), i32c(1), ops(prefixMisc, miscTableGrow, 0, opDrop)), "tables"},
		{"data.drop", ops(prefixMisc, miscDataDrop, 0), "segments"},
		{"elem.drop", ops(prefixMisc, miscElemDrop, 0), "segments"},
		{"table.get", slices.Concat(i32c(0), ops(0x25, 0, opDrop)), ""},
		{"memory.init", slices.Concat(i32c(0), i32c(0), i32c(1), ops(prefixMisc, miscMemoryInit, 0, 0)), ""},
	} {
		b := newBuild()
		b.memory = []byte{0, 1}
		b.table(b.fn(nil, nil, nil, c.code))
		b.segment(0, "x")
		b.counted = true
		res := rewrite(t, b.bytes(), Options{})
		got, why := "", ""
		switch {
		case res.Reset.Tables:
			got, why = "tables", res.Reset.TablesWhy
		case res.Reset.Segments:
			got, why = "segments", res.Reset.SegmentsWhy
		}
		if got != c.want || got != "" && !strings.Contains(why, "function 0 has "+c.name) || res.Reset.Clean() != (got == "") {
			t.Errorf("%s: %+v", c.name, res.Reset)
		}
	}
	b := newBuild()
	b.global(Funcref, false, 0xd0, 0x70)
	b.global(Externref, true, 0xd0, 0x6f)
	if res := rewrite(t, b.bytes(), Options{}); !res.Reset.RefGlobals || res.Reset.RefGlobalWhy != "global 1 is a mutable externref" || len(res.Globals) > 0 {
		t.Errorf("%+v", res.Reset)
	}
}
