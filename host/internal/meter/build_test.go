package meter

import "slices"

// build puts a module together for a test, from Go. Nothing is validated.
type build struct {
	types   []funcType
	imports []byte
	nImport int
	funcs   [][]byte // bodies, without their size
	kinds   []uint32 // types of all functions
	tables  [][]byte
	memory  []byte // limits
	globals [][]byte
	exports [][]byte
	start   int
	elems   [][]byte
	data    [][]byte
	counted bool
	customs []byte
}

func newBuild() *build { return &build{start: -1} }

func (b *build) typ(params, results []ValueType) uint32 {
	t := funcType{params, results}
	for i, have := range b.types {
		if have.key() == t.key() {
			return uint32(i)
		}
	}
	b.types = append(b.types, t)
	return uint32(len(b.types) - 1)
}

// host imports a function; all imports come before the first function.
func (b *build) host(module, name string, params, results []ValueType) uint32 {
	b.imports = append(appendName(appendName(b.imports, module), name), kindFunc)
	t := b.typ(params, results)
	b.imports = appendU32(b.imports, t)
	b.kinds = append(b.kinds, t)
	b.nImport++
	return uint32(b.nImport - 1)
}

// fn adds a function; code is without the final end.
func (b *build) fn(params, results, locals []ValueType, code ...[]byte) uint32 {
	index := b.declare(params, results)
	b.define(index, locals, code...)
	return index
}

func (b *build) declare(params, results []ValueType) uint32 {
	b.kinds = append(b.kinds, b.typ(params, results))
	b.funcs = append(b.funcs, nil)
	return uint32(len(b.kinds) - 1)
}

func (b *build) define(index uint32, locals []ValueType, code ...[]byte) {
	body := appendU32(nil, uint32(len(locals)))
	for _, t := range locals {
		body = append(body, 1, byte(t))
	}
	b.funcs[int(index)-b.nImport] = append(append(body, slices.Concat(code...)...), opEnd)
}

func (b *build) export(name string, kind byte, index uint32) {
	b.exports = append(b.exports, appendU32(append(appendName(nil, name), kind), index))
}

func (b *build) global(t ValueType, mutable bool, init ...byte) uint32 {
	b.globals = append(b.globals, append(append([]byte{byte(t), flag(mutable)}, init...), opEnd))
	return uint32(len(b.globals) - 1)
}

// table adds a table of functions.
func (b *build) table(fns ...uint32) {
	b.tables = append(b.tables, appendU32([]byte{byte(Funcref), 0}, uint32(len(fns))))
	elem := []byte{0, opI32Const, 0, opEnd}
	elem = appendU32(elem, uint32(len(fns)))
	for _, fn := range fns {
		elem = appendU32(elem, fn)
	}
	b.elems = append(b.elems, elem)
}

func (b *build) segment(at int32, content string) {
	d := appendSigned([]byte{0, opI32Const}, int64(at))
	b.data = append(b.data, append(appendU32(append(d, opEnd), uint32(len(content))), content...))
}

func (b *build) bytes() []byte {
	list := func(items [][]byte) []byte { return appendList(len(items), slices.Concat(items...)) }
	var types, kinds, code [][]byte
	for _, t := range b.types {
		types = append(types, appendFuncType(nil, t))
	}
	for i, body := range b.funcs {
		kinds = append(kinds, appendU32(nil, b.kinds[b.nImport+i]))
		code = append(code, appendBytes(nil, body))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendSection(out, 1, list(types))
	out = appendSection(out, 2, appendList(b.nImport, b.imports))
	out = appendSection(out, 3, list(kinds))
	out = appendSection(out, 4, list(b.tables))
	if b.memory != nil {
		out = appendSection(out, 5, append([]byte{1}, b.memory...))
	}
	out = appendSection(out, 6, list(b.globals))
	out = appendSection(out, 7, list(b.exports))
	if b.start >= 0 {
		out = appendSection(out, 8, appendU32(nil, uint32(b.start)))
	}
	out = appendSection(out, 9, list(b.elems))
	if b.counted {
		out = appendSection(out, 12, appendU32(nil, uint32(len(b.data))))
	}
	out = appendSection(out, 10, list(code))
	out = appendSection(out, 11, list(b.data))
	return append(out, b.customs...)
}

// Pieces of code.

func i32c(n int64) []byte        { return appendSigned([]byte{opI32Const}, n) }
func i64c(n int64) []byte        { return appendSigned([]byte{opI64Const}, n) }
func get(i uint32) []byte        { return appendU32([]byte{opLocalGet}, i) }
func set(i uint32) []byte        { return appendU32([]byte{opLocalSet}, i) }
func tee(i uint32) []byte        { return appendU32([]byte{opLocalTee}, i) }
func gget(i uint32) []byte       { return appendU32([]byte{opGlobalGet}, i) }
func gset(i uint32) []byte       { return appendU32([]byte{opGlobalSet}, i) }
func callf(f uint32) []byte      { return appendU32([]byte{opCall}, f) }
func tailf(f uint32) []byte      { return appendU32([]byte{opReturnCall}, f) }
func br(n uint32) []byte         { return appendU32([]byte{opBr}, n) }
func brif(n uint32) []byte       { return appendU32([]byte{opBrIf}, n) }
func ops(code ...byte) []byte    { return code }
func indirect(t uint32) []byte   { return append(appendU32([]byte{opCallIndirect}, t), 0) }
func tailInd(t uint32) []byte    { return append(appendU32([]byte{opReturnCallInd}, t), 0) }
func loop(code ...[]byte) []byte { return nest(opLoop, code) }
func blk(code ...[]byte) []byte  { return nest(opBlock, code) }
func iff(code ...[]byte) []byte  { return nest(opIf, code) }

func nest(op byte, code [][]byte) []byte {
	return append(append([]byte{op, 0x40}, slices.Concat(code...)...), opEnd)
}

func brTable(labels ...uint32) []byte { // the last is the default
	out := appendU32([]byte{opBrTable}, uint32(len(labels)-1))
	for _, l := range labels {
		out = appendU32(out, l)
	}
	return out
}
