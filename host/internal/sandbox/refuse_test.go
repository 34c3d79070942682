package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/abi"
	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// small is a plugin that loads.
func small() *wt.Module {
	m := wt.New().Memory(1, -1)
	m.Handler("hello")
	return m
}

// imports is a plugin that imports one function.
func imports(module, name string, params, results wt.Type) []byte {
	m := wt.New()
	m.Import(module, name, params, results)
	return m.Memory(1, -1).Bytes()
}

// with is a module with one more section after the header, and small's after it.
func with(id byte, content ...byte) []byte {
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), wt.Section(id, content))
}

func TestRefusals(t *testing.T) {
	code := func(code ...[]byte) []byte {
		m := wt.New().Memory(1, -1)
		m.Handler("hello", code...)
		return m.Bytes()
	}
	for name, c := range map[string]struct {
		wasm []byte
		want string
	}{
		"empty":         {nil, "the file is empty"},
		"text format":   {[]byte("  (module (memory 1))"), "text format of WebAssembly; assemble it with wat2wasm"},
		"text":          {[]byte("package main\n"), "it looks like text"},
		"gzip":          {[]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "gzip data"},
		"elf":           {[]byte("\x7fELF\x02\x01\x01\x00\x00"), "an ELF program"},
		"html":          {[]byte("<!DOCTYPE html>"), "HTML"},
		"zeros":         {make([]byte, 100), "nothing but zero bytes"},
		"binary":        {[]byte("\x01\x02\x03\x04\x05\x06\x07\x08"), "other binary data"},
		"git lfs":       {[]byte("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"},
		"component":     {[]byte("\x00asm\x0d\x00\x01\x00\x00"), "a WebAssembly component (layer 1)"},
		"version":       {[]byte("\x00asm\x02\x00\x00\x00"), "unknown WebAssembly version 2"},
		"cut in header": {[]byte("\x00asm\x01"), "truncated module: 5 bytes"},

		"no memory":            {wt.New().Bytes(), `exports no memory; a plugin exports it as "memory"`},
		"memory not exported":  {wt.New().RawMemory(wt.Limits(1, -1)).Bytes(), "exports no memory"},
		"memory imported":      {wt.New().RawImport("test", "memory", wt.KindMemory, wt.Limits(1, -1)).Export("memory", wt.KindMemory, 0).Bytes(), "imports its memory"},
		"memory is a function": {func() []byte { m := wt.New(); m.Handler("memory"); return m.Bytes() }(), `the export "memory" is a function`},

		"unknown module":   {imports("env", "printf", wt.Type{wt.I32}, nil), `imports "env.printf", and this host has no import module "env"`},
		"javascript":       {imports("gojs", "x", nil, nil), "GOOS=wasip1, not GOOS=js"},
		"browser":          {imports("wbg", "x", nil, nil), "build without wasm-bindgen"},
		"old WASI":         {imports("wasi_unstable", "fd_write", nil, nil), "targets wasi_snapshot_preview1"},
		"new WASI":         {imports("wasi:cli/run@0.2.0", "run", nil, nil), "build for wasip1, not wasip2"},
		"newer host":       {imports(abi.Module, "teleport", nil, nil), `needs a newer host: this one has no function "wasmlane_v1.teleport"`},
		"unknown function": {imports("test", "nothing", nil, nil), `imports "test.nothing", and this host has no such function`},
		"wrong parameters": {imports("test", "note", wt.Type{wt.I64}, nil), `"test.note" with the wrong signature: wanted (i32), got (i64)`},
		"wrong result":     {imports("test", "size", nil, nil), "wanted () -> i32, got ()"},
		"imported table":   {wt.New().RawImport("test", "note", wt.KindTable, append([]byte{wt.Funcref}, wt.Limits(1, -1)...)).Memory(1, -1).Bytes(), `imports "test.note" as a table`},
		"imported global":  {wt.New().RawImport("test", "note", wt.KindGlobal, []byte{wt.I32, 0}).Memory(1, -1).Bytes(), `imports "test.note" as a global`},
		"reserved export":  {small().Export("wasmlane_yield", wt.KindFunc, 0).Bytes(), `"wasmlane_yield" has the reserved prefix`},
		"reserved memory":  {small().Export("wasmlane_x", wt.KindMemory, 0).Bytes(), `"wasmlane_x" has the reserved prefix`},
		"initialiser type": {func() []byte {
			m := small()
			m.Export("wasmlane_init", wt.KindFunc, m.Func(wt.Type{wt.I32}, nil, nil))
			return m.Bytes()
		}(), "wasmlane_init is (i32); it must be a function ()"},
		"initialize global": {small().Export("_initialize", wt.KindMemory, 0).Bytes(), "_initialize is memory; it must be"},
		"start global":      {small().Export("_start", wt.KindMemory, 0).Bytes(), "_start is memory; it must be"},

		"shared memory":   {wt.New().RawMemory([]byte{3, 1, 1}).Export("memory", wt.KindMemory, 0).Bytes(), "uses threads"},
		"64-bit memory":   {wt.New().RawMemory([]byte{4, 1}).Export("memory", wt.KindMemory, 0).Bytes(), "uses memory64"},
		"two memories":    {small().RawMemory(wt.Limits(1, -1)).Bytes(), "uses multi-memory"},
		"tags":            {with(13, 1, 0, 0), "uses exceptions"},
		"struct type":     {with(1, 1, 0x5f, 0), "uses typed references and garbage collection"},
		"typed reference": {with(1, 1, 0x60, 1, 0x64, 0, 0), "uses typed references"},
		"exnref":          {with(1, 1, 0x60, 1, 0x69, 0), "uses exceptions"},
		"atomics":         {code(wt.I32Const(0), []byte{0xfe, 0x10, 2, 0}, wt.Drop()), "threads"},
		"try_table":       {code([]byte{0x1f, 0x40, 0, 0x0b}), "exception handling"},
		"call_ref":        {code([]byte{0x14, 0}), "typed function references"},

		"type mismatch":     {code(wt.I32Const(1)), "invalid module: "},
		"unknown opcode":    {code([]byte{0xff}), "unknown instruction"},
		"unknown section":   {with(99), "unknown section 99"},
		"sections in order": {slices.Concat(with(3, 0), wt.Section(1, []byte{0})), "the type section comes after the function section"},
		"twice a section":   {slices.Concat(with(1, 0), wt.Section(1, []byte{0})), "the type section comes after the type section"},
		"exported twice":    {small().Export("hello", wt.KindMemory, 0).Bytes(), `"hello" is exported twice`},
		"export of nothing": {small().Export("other", wt.KindFunc, 9).Bytes(), `export "other" names function 9 of 1`},
		"section too long":  {with(1, 0, 0), "1 bytes too many in the type section"},
		"not UTF-8":         {with(7, 1, 1, 0xff, 0, 0), "is not UTF-8"},
		"max below min":     {wt.New().Memory(2, 1).Bytes(), "the maximum 1 is below the minimum 2"},
		"memory too large":  {wt.New().Memory(70000, -1).Bytes(), "invalid module: "},

		// Each of these few bytes would make the engine allocate gigabytes.
		"many types":    {with(1, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 types declared"},
		"many imports":  {with(2, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 imports declared"},
		"many exports":  {with(7, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 exports declared"},
		"long name":     {with(0, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 bytes of a name declared"},
		"many elements": {with(9, 1, 0, 0x41, 0, 0x0b, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 elements declared"},
		"much data":     {with(11, 1, 0, 0x41, 0, 0x0b, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 bytes of data declared"},
		"many names":    {small().Custom("name", []byte{1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f}).Bytes(), "4294967295 names declared"},
		"many locals": {func() []byte {
			m := small()
			m.RawFunc(nil, nil, []byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f, wt.I32, 0x0b})
			return m.Bytes()
		}(), "4294967295 local variables, the limit is 50000"},
		"many functions":    {with(3, slices.Concat(wt.U32(maxItems+1), make([]byte, maxItems+1))...), "a list of 1048577 functions, the limit is 1048576"},
		"long number":       {with(1, 0x80, 0x80, 0x80, 0x80, 0x80, 0), "a number has more than 32 bits"},
		"large number":      {with(1, 0xff, 0xff, 0xff, 0xff, 0x1f), "a number has more than 32 bits"},
		"long constant":     {with(6, 1, wt.I32, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x0b), "a number has too many bytes"},
		"no constant":       {with(6, 1, wt.I32, 0, 0x10, 0, 0x0b), "instruction 0x10 in a constant expression"},
		"names too long":    {small().Custom("name", []byte{1, 3, 0, 0, 0}).Bytes(), "2 bytes too many in the name section"},
		"two name sections": {small().Names(nil).Names(nil).Bytes(), "there are two name sections"},
		"many params":       {with(1, slices.Concat([]byte{1, 0x60}, wt.U32(1001), make([]byte, 1001), []byte{0})...), "1001 parameters, the limit is 1000"},
		"large table":       {small().Table(maxTableEntries+1, -1).Bytes(), "start with 1048577 entries, the limit is 1048576"},
		"large tables":      {small().Table(maxTableEntries, -1).Table(1, -1).Bytes(), "start with 1048577 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := newRuntime(t, Options{}).Load(t.Context(), "guest", c.wasm)
			if err == nil {
				m.Release()
				t.Fatal("it was loaded")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n\t%v\nwant\n\t%s", err, c.want)
			}
			if !errors.Is(err, ErrRefused) {
				t.Error("it is no ErrRefused")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("it is not one line: %v", err)
			}
		})
	}
}

func TestLoads(t *testing.T) {
	for name, wasm := range map[string][]byte{
		"small":           small().Bytes(),
		"known imports":   imports("test", "wide", wt.Type{wt.I64, wt.I32}, wt.Type{wt.I64}),
		"command":         small().Export("_start", wt.KindFunc, 0).Bytes(),
		"both starts":     small().Export("_start", wt.KindFunc, 0).Export("_initialize", wt.KindFunc, 0).Bytes(),
		"init":            small().Export("wasmlane_init", wt.KindFunc, 0).Bytes(),
		"other exports":   small().Export("__heap_base", wt.KindMemory, 0).Export("Upper", wt.KindFunc, 0).Bytes(),
		"custom sections": small().Custom("x", []byte{1, 2, 3}).Names(map[uint32]string{0: "hello"}).Custom("producers", []byte{0xff}).Bytes(),
		"extended const": func() []byte {
			m := small()
			m.Global(wt.I32, false, slices.Concat(wt.I32Const(1), wt.I32Const(2), wt.Op(0x6a)))
			return m.Bytes()
		}(),
		"tail call": func() []byte { m := small(); m.Handler("tail", []byte{0x12, 0}); return m.Bytes() }(),
		"simd": func() []byte {
			m := small()
			m.Handler("simd", slices.Concat([]byte{0xfd, 0x0c}, make([]byte, 16)), wt.Drop())
			return m.Bytes()
		}(),
		"all constants": func() []byte {
			m := small()
			m.Global(wt.I64, true, wt.I64Const(-1<<63))
			m.Global(wt.F32, true, []byte{0x43, 1, 2, 3, 4})
			m.Global(wt.F64, true, []byte{0x44, 1, 2, 3, 4, 5, 6, 7, 8})
			m.Global(wt.V128, true, slices.Concat([]byte{0xfd, 0x0c}, make([]byte, 16)))
			m.Global(wt.Funcref, true, []byte{0xd0, wt.Funcref})
			m.Global(wt.Funcref, true, []byte{0xd2, 0})
			return m.Bytes()
		}(),
		"all elements": func() []byte {
			m := small().Table(9, -1)
			at := func(n int32) []byte { return append(wt.I32Const(n), 0x0b) }
			ref := []byte{1, 0xd2, 0, 0x0b} // one expression: ref.func 0
			for _, e := range [][]byte{
				slices.Concat([]byte{0}, at(0), []byte{1, 0}),
				{1, 0, 1, 0},
				slices.Concat([]byte{2, 0}, at(1), []byte{0, 1, 0}),
				{3, 0, 1, 0},
				slices.Concat([]byte{4}, at(2), ref),
				slices.Concat([]byte{5, wt.Funcref}, ref),
				slices.Concat([]byte{6, 0}, at(3), []byte{wt.Funcref}, ref),
				slices.Concat([]byte{7, wt.Funcref}, ref),
			} {
				m.RawElements(e)
			}
			return m.Bytes()
		}(),
		"all names": func() []byte {
			return small().Custom("name", []byte{0, 2, 1, 'm', 1, 4, 1, 0, 1, 'f', 2, 6, 1, 0, 1, 0, 1, 'l', 9, 1, 0}).Bytes()
		}(),
		"most locals": func() []byte {
			m := small()
			m.RawFunc(nil, nil, slices.Concat([]byte{1}, wt.U32(maxLocals), []byte{wt.I32, 0x0b}))
			return m.Bytes()
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			load(t, newRuntime(t, Options{}), wasm)
		})
	}
}

// A module cut off anywhere is refused, by Load and by Inspect, as truncated
// unless what is left happens to be whole sections.
func TestTruncation(t *testing.T) {
	m := wt.New()
	m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(1, 2).Table(1, -1)
	m.Global(wt.I32, true, wt.I32Const(5))
	m.Handler("hello", wt.I32Const(7), wt.Call(0))
	wasm := m.Elements(0, 1).Bytes()
	r := newRuntime(t, Options{})
	load(t, r, wasm)
	for n := range wasm {
		_, err := r.Load(t.Context(), "guest", wasm[:n])
		if !errors.Is(err, ErrRefused) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(wasm), err)
		}
		if n < 8 && !errors.Is(err, ErrTruncated) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		if _, err := Inspect(t.Context(), wasm[:n], nil); err != nil && !errors.Is(err, ErrTruncated) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	// Garbled instead of cut: an error or a module, never a panic.
	for n := range wasm {
		for _, b := range []byte{0, 0x7f, 0x80, 0xff, wasm[n] ^ 1} {
			garbled := slices.Clone(wasm)
			garbled[n] = b
			if m, err := r.Load(t.Context(), "guest", garbled); err == nil {
				m.Release()
			} else if strings.Contains(err.Error(), "goroutine") {
				t.Fatalf("byte %d set to %#x: %v", n, b, err)
			}
		}
	}
}

func TestBadImports(t *testing.T) {
	ok := testImports()[0]
	for name, list := range map[string][]Import{
		"twice":       {ok, ok},
		"no function": {{Module: "m", Name: "f"}},
		"no module":   {{Name: "f", Call: ok.Call}},
		"type":        {{Module: "m", Name: "f", Params: []abi.Type{0x7d}, Call: ok.Call}},
	} {
		if r, err := New(t.Context(), Options{Imports: list}); err == nil {
			r.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzParse reads anything without a panic, and quickly.
func FuzzParse(f *testing.F) {
	m := small().Table(1, -1).Data(3, []byte("abc")).Producers("language", "C", "11")
	f.Add(m.Names(map[uint32]string{0: "hello"}).Bytes())
	f.Add(imports("env", "x", wt.Type{wt.I32}, nil))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if l, err := parse(wasm); err == nil {
			_ = check(l, nil)
			newInfo(l, wasm, [32]byte{})
			if _, err := parse(capTables(wasm, l)); err != nil {
				t.Fatalf("rewritten: %v", err)
			}
		} else if !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
	})
}
