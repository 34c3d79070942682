package meter

import (
	"fmt"
	"slices"
)

// encode writes the new module.
func (p *plan) encode(res *Result) error {
	m := p.m
	var code []byte
	for i := range m.bodies {
		t, err := p.translate(m.importedFuncs + i)
		if err != nil {
			return err
		}
		code = appendBytes(code, t.body)
	}
	yieldType := p.typeIndex(funcType{params: []ValueType{I64}, results: []ValueType{I64}})
	helpers := slices.Concat(p.bulkHelpers(), p.slowHelpers(), p.vectorHelpers())
	for _, h := range helpers {
		code = appendBytes(code, h.body)
	}

	var types []byte
	for _, t := range p.types {
		types = appendFuncType(types, t)
	}
	var imports []byte
	for _, d := range m.imports {
		imports = append(imports, d.raw...)
	}
	imports = append(appendName(appendName(imports, p.o.Module), p.o.Yield), kindFunc)
	imports = appendU32(imports, yieldType)
	var funcs []byte
	for _, t := range m.funcs[m.importedFuncs:] {
		funcs = appendU32(funcs, t)
	}
	for _, h := range helpers {
		funcs = appendU32(funcs, h.typ)
	}

	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendSection(out, 1, appendList(len(p.types), types))
	out = appendSection(out, 2, appendList(len(m.imports)+1, imports))
	out = appendSection(out, 3, appendList(len(m.bodies)+len(helpers), funcs))
	out = appendSection(out, 4, appendList(m.nTables, m.tables))
	out = appendSection(out, 5, p.memorySection(res))
	out = appendSection(out, 6, p.globalSection())
	out = appendSection(out, 7, p.exportSection(res, helpers))
	out = appendSection(out, 9, p.elementSection())
	data, count := m.dataSection(res.mayName(m))
	if m.counted {
		out = appendSection(out, 12, appendU32(nil, uint32(count)))
	}
	out = appendSection(out, 10, appendList(len(m.bodies)+len(helpers), code))
	out = appendSection(out, 11, data)
	out = appendSection(out, 0, p.nameSection(helpers))
	if m.producers != nil {
		out = appendSection(out, 0, m.producers)
	}
	res.Wasm = out
	return nil
}

func appendFuncType(b []byte, t funcType) []byte {
	b = append(b, 0x60)
	for _, list := range [][]ValueType{t.params, t.results} {
		b = appendU32(b, uint32(len(list)))
		for _, v := range list {
			b = append(b, byte(v))
		}
	}
	return b
}

// memorySection raises the maximum by a page, so that the host can have the
// engine grow a memory that is at its maximum: that is how it shrinks it again.
func (p *plan) memorySection(res *Result) []byte {
	l := p.m.memory
	if l == nil {
		return nil
	}
	out := []byte{1, 0}
	if l.hasMax {
		res.MemoryMax, res.HasMemoryMax = l.max, true
		out[1] = 1
	}
	out = appendU32(out, l.min)
	if l.hasMax {
		const pages = 1 << 16
		if l.max < pages {
			l.max++
		}
		out = appendU32(out, l.max)
	}
	return out
}

// globalSection adds the state. It starts without fuel: a guest that nobody gave
// any yields at once.
func (p *plan) globalSection() []byte {
	var items []byte
	for _, g := range p.m.globals[p.m.importedGlobals:] {
		items = append(items, byte(g.typ), flag(g.mutable))
		items = g.init.appendTo(items, p.newIndex)
	}
	items = append(items, byte(I64), 1, opI64Const)
	items = append(appendSigned(items, int64(NewState(0))), opEnd)
	return appendList(len(p.m.globals)-p.m.importedGlobals+1, items)
}

// globalName is what a global is exported as.
func (p *plan) globalName(i int) string { return fmt.Sprintf("%sglobal_%d", p.o.Prefix, i) }

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (p *plan) exportSection(res *Result, helpers []helper) []byte {
	var items []byte
	count := 0
	export := func(name string, kind byte, index uint32) {
		items = appendU32(append(appendName(items, name), kind), index)
		count++
	}
	for _, e := range p.m.exports {
		index := e.index
		if e.kind == kindFunc {
			index = p.newIndex(index)
		}
		export(e.name, e.kind, index)
	}
	if p.m.start >= 0 {
		res.Start = p.o.Prefix + "start"
		export(res.Start, kindFunc, p.newIndex(uint32(p.m.start)))
	}
	export(res.State, kindGlobal, p.state)
	for i, g := range p.m.globals {
		switch {
		case !g.mutable:
		case g.typ.isRef():
			if r := &res.Reset; !r.RefGlobals {
				r.RefGlobals, r.RefGlobalWhy = true, fmt.Sprintf("global %d is a mutable %v", i, g.typ)
			}
		default:
			name := p.globalName(i)
			export(name, kindGlobal, uint32(i))
			global := Global{Export: name, Type: g.typ}
			if g.typ == V128 {
				global.Get, global.Set = name+getSuffix, name+setSuffix
			}
			res.Globals = append(res.Globals, global)
		}
	}
	first := uint32(len(p.m.funcs)) + 1
	for i, h := range helpers {
		if h.name != "" {
			export(h.name, kindFunc, first+uint32(i))
		}
	}
	return appendList(count, items)
}

func (p *plan) elementSection() []byte {
	var items []byte
	for _, e := range p.m.elems {
		items = append(items, e.prefix...)
		if e.active {
			items = e.offset.appendTo(items, p.newIndex)
		}
		items = append(items, e.suffix...)
		items = appendU32(items, uint32(len(e.funcs)+len(e.exprs)))
		for _, fn := range e.funcs {
			items = appendU32(items, p.newIndex(fn))
		}
		for _, x := range e.exprs {
			items = x.appendTo(items, p.newIndex)
		}
	}
	return appendList(len(p.m.elems), items)
}
