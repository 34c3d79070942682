// Package wasmtest assembles small WebAssembly modules for tests, from Go: no
// compiler is needed, and a test can build what no compiler would emit.
//
//	m := wasmtest.New().Memory(1, -1)
//	log := m.Import("env", "log", wasmtest.Type{wasmtest.I32}, nil)
//	m.Handler("hello", wasmtest.I32Const(7), wasmtest.Call(log))
//	wasm := m.Bytes()
//
// Nothing is validated.
package wasmtest

import (
	"encoding/binary"
	"slices"
)

// Types of values, as the binary format encodes them.
const (
	I32     byte = 0x7f
	I64     byte = 0x7e
	F32     byte = 0x7d
	F64     byte = 0x7c
	V128    byte = 0x7b
	Funcref byte = 0x70
)

// Kinds of exports and imports.
const (
	KindFunc   byte = 0
	KindTable  byte = 1
	KindMemory byte = 2
	KindGlobal byte = 3
)

// Type is a list of value types.
type Type []byte

// Module is a module being assembled.
type Module struct {
	types, imports, funcs, tables, memories, globals, exports, elements, bodies, data [][]byte

	start    []byte
	customs  []byte // whole sections, put at the end
	imported uint32
}

// New returns an empty module.
func New() *Module { return &Module{} }

// Import adds a function import and returns its index. All imports come before
// the first Func.
func (m *Module) Import(module, name string, params, results Type) uint32 {
	m.RawImport(module, name, KindFunc, U32(m.typ(params, results)))
	m.imported++
	return m.imported - 1
}

// RawImport adds an import of any kind; desc is its description.
func (m *Module) RawImport(module, name string, kind byte, desc []byte) *Module {
	if len(m.funcs) > 0 {
		panic("wasmtest: an import after a function")
	}
	m.imports = append(m.imports, slices.Concat(str(module), str(name), []byte{kind}, desc))
	return m
}

// Func adds a function and returns its index. The code needs no end.
func (m *Module) Func(params, results, locals Type, code ...[]byte) uint32 {
	var body []byte
	body = append(body, U32(uint32(len(locals)))...)
	for _, t := range locals {
		body = append(body, 1, t)
	}
	return m.RawFunc(params, results, append(append(body, slices.Concat(code...)...), 0x0b))
}

// RawFunc adds a function with its body as it is in the file, locals included.
func (m *Module) RawFunc(params, results Type, body []byte) uint32 {
	m.funcs = append(m.funcs, U32(m.typ(params, results)))
	m.bodies = append(m.bodies, vec(body))
	return m.imported + uint32(len(m.funcs)) - 1
}

// Handler adds and exports a function without parameters and results.
func (m *Module) Handler(name string, code ...[]byte) uint32 {
	i := m.Func(nil, nil, nil, code...)
	m.Export(name, KindFunc, i)
	return i
}

// Memory defines the memory, in pages of 64 KiB, and exports it as "memory".
// max -1 is no maximum.
func (m *Module) Memory(minPages, maxPages int) *Module {
	return m.RawMemory(Limits(minPages, maxPages)).Export("memory", KindMemory, 0)
}

// RawMemory defines a memory by its encoded limits, and does not export it.
func (m *Module) RawMemory(limits []byte) *Module {
	m.memories = append(m.memories, limits)
	return m
}

// Table defines a table of functions.
func (m *Module) Table(minEntries, maxEntries int) *Module {
	m.tables = append(m.tables, append([]byte{Funcref}, Limits(minEntries, maxEntries)...))
	return m
}

// Global defines a global with a constant expression, which needs no end, and
// returns its index.
func (m *Module) Global(typ byte, mutable bool, init []byte) uint32 {
	var mut byte
	if mutable {
		mut = 1
	}
	m.globals = append(m.globals, slices.Concat([]byte{typ, mut}, init, []byte{0x0b}))
	return uint32(len(m.globals)) - 1
}

// Export exports an item by its index.
func (m *Module) Export(name string, kind byte, index uint32) *Module {
	m.exports = append(m.exports, slices.Concat(str(name), []byte{kind}, U32(index)))
	return m
}

// Start names the start function.
func (m *Module) Start(index uint32) *Module {
	m.start = U32(index)
	return m
}

// Elements puts functions into table 0, from an offset on.
func (m *Module) Elements(offset int32, funcs ...uint32) *Module {
	e := slices.Concat([]byte{0}, I32Const(offset), []byte{0x0b}, U32(uint32(len(funcs))))
	for _, f := range funcs {
		e = append(e, U32(f)...)
	}
	return m.RawElements(e)
}

// RawElements adds an element segment as it is in the file.
func (m *Module) RawElements(segment []byte) *Module {
	m.elements = append(m.elements, segment)
	return m
}

// Data puts bytes into memory, from an offset on.
func (m *Module) Data(offset int32, b []byte) *Module {
	m.data = append(m.data, slices.Concat([]byte{0}, I32Const(offset), []byte{0x0b}, vec(b)))
	return m
}

// Custom adds a custom section, after all others.
func (m *Module) Custom(name string, b []byte) *Module {
	m.customs = append(m.customs, Section(0, append(str(name), b...))...)
	return m
}

// Names adds a name section with the names of functions.
func (m *Module) Names(functions map[uint32]string) *Module {
	indexes := make([]uint32, 0, len(functions))
	for i := range functions {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	sub := U32(uint32(len(indexes)))
	for _, i := range indexes {
		sub = append(append(sub, U32(i)...), str(functions[i])...)
	}
	return m.Custom("name", append([]byte{1}, vec(sub)...))
}

// Producers adds a producers section; values are field, name, version, three by
// three.
func (m *Module) Producers(values ...string) *Module {
	b := U32(uint32(len(values) / 3))
	for i := 0; i+2 < len(values); i += 3 {
		b = append(b, slices.Concat(str(values[i]), []byte{1}, str(values[i+1]), str(values[i+2]))...)
	}
	return m.Custom("producers", b)
}

// Bytes returns the module.
func (m *Module) Bytes() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, m.types}, {2, m.imports}, {3, m.funcs}, {4, m.tables}, {5, m.memories}, {6, m.globals}, {7, m.exports}} {
		b = append(b, list(s.id, s.items)...)
	}
	if m.start != nil {
		b = append(b, Section(8, m.start)...)
	}
	b = append(b, list(9, m.elements)...)
	b = append(b, list(10, m.bodies)...)
	b = append(b, list(11, m.data)...)
	return append(b, m.customs...)
}

// typ returns the index of a function type.
func (m *Module) typ(params, results Type) uint32 {
	t := slices.Concat([]byte{0x60}, vec(params), vec(results))
	for i, have := range m.types {
		if slices.Equal(have, t) {
			return uint32(i)
		}
	}
	m.types = append(m.types, t)
	return uint32(len(m.types)) - 1
}

// Section encodes one section.
func Section(id byte, content []byte) []byte {
	return append([]byte{id}, vec(content)...)
}

// Limits encodes the limits of a memory or table; max -1 is no maximum.
func Limits(least, most int) []byte {
	if most < 0 {
		return append([]byte{0}, U32(uint32(least))...)
	}
	return slices.Concat([]byte{1}, U32(uint32(least)), U32(uint32(most)))
}

// U32 encodes an unsigned number as LEB128.
func U32(n uint32) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// S64 encodes a signed number as LEB128.
func S64(n int64) []byte {
	var b []byte
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func vec(b []byte) []byte { return append(U32(uint32(len(b))), b...) }

func str(s string) []byte { return vec([]byte(s)) }

func list(id byte, items [][]byte) []byte {
	if len(items) == 0 {
		return nil
	}
	return Section(id, append(U32(uint32(len(items))), slices.Concat(items...)...))
}
