package meter

import "bytes"

// The order of sections; custom sections (0) may stand anywhere, and the data
// count (12) comes before the code (10).
var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global",
	"export", "start", "element", "code", "data", "data count"}

func sectionRank(id byte) int {
	switch {
	case id == 12:
		return 10
	case id >= 10:
		return int(id) + 1
	}
	return int(id)
}

// parse reads all sections. Code is only cut into functions here.
func parse(wasm []byte, o Options) (*module, error) {
	if !bytes.HasPrefix(wasm, []byte("\x00asm\x01\x00\x00\x00")) {
		return nil, malformed(0, "no header of a core WebAssembly module, version 1")
	}
	m := &module{wasm: wasm, start: -1}
	last := 0
	for at := 8; at < len(wasm); {
		head := &reader{b: wasm, at: at, end: len(wasm)}
		id := head.byte()
		size := head.count("bytes of a section")
		if head.err != nil {
			return nil, head.err
		}
		if id == 13 {
			return nil, unsupported(featureExceptions, at, "a tag section")
		}
		if int(id) >= len(sectionNames) {
			return nil, malformed(at, "unknown section %d", id)
		}
		if id != 0 {
			if rank := sectionRank(id); rank > last {
				last = rank
			} else {
				return nil, malformed(at, "the %s section is out of order", sectionNames[id])
			}
		}
		r := &reader{b: wasm, at: head.at, end: head.at + size}
		m.section(r, id, o)
		if r.err == nil && r.at != r.end {
			r.failf("%d bytes too many in the %s section", r.left(), sectionNames[id])
		}
		if r.err != nil {
			return nil, r.err
		}
		at = r.end
	}
	return m, m.check()
}

func (m *module) section(r *reader, id byte, o Options) {
	switch id {
	case 0:
		m.custom(r)
	case 1:
		r.items("types", func(int) { m.types = append(m.types, readFuncType(r)) })
	case 2:
		r.items("imports", func(int) { m.readImport(r) })
	case 3:
		r.items("functions", func(int) { m.funcs = append(m.funcs, m.typeIndex(r)) })
	case 4:
		start := r.at
		m.nTables = r.items("tables", func(i int) {
			if i == 0 {
				start = r.at
			}
			readTable(r)
		})
		m.tables = r.b[min(start, r.at):r.at]
	case 5:
		r.items("memories", func(i int) {
			at := r.at
			l := readLimits(r)
			if i > 0 || m.importedMemory {
				r.stop(unsupported(featureMemories, at, "a second memory"))
			}
			m.memory = &l
		})
	case 6:
		r.items("globals", func(int) {
			g := readGlobalType(r)
			g.init = readConstExpr(r)
			m.globals = append(m.globals, g)
		})
	case 7:
		r.items("exports", func(int) {
			at := r.at
			e := exportDecl{name: r.name()}
			e.kind, e.index = r.byte(), r.u32()
			if e.kind == 4 {
				r.stop(unsupported(featureExceptions, at, "an exported tag"))
			}
			m.exports = append(m.exports, e)
		})
	case 8:
		m.start = int(r.u32())
	case 9:
		r.items("element segments", func(int) { m.elems = append(m.elems, readElem(r)) })
	case 10:
		r.items("functions", func(int) { m.bodies = append(m.bodies, readBody(r, o.MaxLocals)) })
	case 11:
		r.items("data segments", func(int) { m.data = append(m.data, readData(r)) })
	case 12:
		m.counted = true
		r.u32()
	}
}

// custom keeps the two sections that survive a rewrite.
func (m *module) custom(r *reader) {
	start := r.at
	switch name := r.name(); {
	case r.err != nil:
		return
	case name == "name" && m.nameSection == nil:
		m.nameSection = r.b[r.at:r.end:r.end]
	case name == "producers" && m.producers == nil:
		m.producers = r.b[start:r.end:r.end]
	}
	r.at = r.end
}

// check looks at what needs all sections: every index of a function or a global. The
// rewrite adds some of both, and an index that means nothing in the original must
// not come to mean one of them. The engine validates the rest.
func (m *module) check() error {
	end := len(m.wasm)
	if own := len(m.funcs) - m.importedFuncs; own != len(m.bodies) {
		return malformed(end, "%d functions are declared, %d have code", own, len(m.bodies))
	}
	seen := make(map[string]bool, len(m.exports))
	for _, e := range m.exports {
		if seen[e.name] {
			return malformed(end, "%q is exported twice", e.name)
		}
		seen[e.name] = true
		if e.kind > kindGlobal || e.kind == kindFunc && int(e.index) >= len(m.funcs) ||
			e.kind == kindGlobal && int(e.index) >= len(m.globals) {
			return malformed(end, "export %q names nothing that there is", e.name)
		}
	}
	if m.start >= len(m.funcs) {
		return malformed(end, "the start function %d does not exist", m.start)
	}
	if m.start >= 0 {
		if t := m.typeOf(uint32(m.start)); len(t.params)+len(t.results) > 0 {
			return malformed(end, "the start function takes parameters or has results")
		}
	}
	return m.eachRef(func(fn uint32) error {
		if int(fn) >= len(m.funcs) {
			return malformed(end, "function %d is named, there are %d", fn, len(m.funcs))
		}
		return nil
	})
}

// eachRef calls f for every function that is named outside of code, other than
// by exports and the start section.
func (m *module) eachRef(f func(fn uint32) error) error {
	expr := func(e constExpr) error {
		if int(e.globals) > len(m.globals) {
			return malformed(len(m.wasm), "a constant names a global that does not exist")
		}
		for _, r := range e.refs {
			if err := f(r.fn); err != nil {
				return err
			}
		}
		return nil
	}
	for _, g := range m.globals {
		if err := expr(g.init); err != nil {
			return err
		}
	}
	for _, e := range m.elems {
		if err := expr(e.offset); err != nil {
			return err
		}
		for _, fn := range e.funcs {
			if err := f(fn); err != nil {
				return err
			}
		}
		for _, x := range e.exprs {
			if err := expr(x); err != nil {
				return err
			}
		}
	}
	for _, d := range m.data {
		if err := expr(d.offset); err != nil {
			return err
		}
	}
	return nil
}
