package meter

// The items of sections, one function each.

func (m *module) typeIndex(r *reader) uint32 {
	at := r.at
	n := r.u32()
	if r.err == nil && int(n) >= len(m.types) {
		r.stop(malformed(at, "type %d of %d", n, len(m.types)))
	}
	return n
}

func readFuncType(r *reader) funcType {
	at := r.at
	switch c := r.byte(); c {
	case 0x60:
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		r.stop(unsupported(featureGC, at, "a composite type"))
	default:
		r.stop(malformed(at, "%#x starts no function type", c))
	}
	list := func(what string) []ValueType {
		var types []ValueType
		r.items(what, func(int) { types = append(types, r.valueType()) })
		return types
	}
	return funcType{params: list("parameters"), results: list("results")}
}

func (m *module) readImport(r *reader) {
	start := r.at
	d := importDecl{module: r.name(), name: r.name()}
	at := r.at
	switch kind := r.byte(); kind {
	case kindFunc:
		n := m.typeIndex(r)
		m.funcs = append(m.funcs, n)
		m.importedFuncs++
	case kindTable:
		readTable(r)
		m.importedTables++
	case kindMemory:
		if m.importedMemory {
			r.stop(unsupported(featureMemories, at, "a second memory"))
		}
		readLimits(r)
		m.importedMemory = true
	case kindGlobal:
		m.globals = append(m.globals, readGlobalType(r))
		m.importedGlobals++
	case 4:
		r.stop(unsupported(featureExceptions, at, "an imported tag"))
	default:
		r.stop(malformed(at, "%#x is no kind of import", kind))
	}
	d.raw = r.b[start:r.at]
	m.imports = append(m.imports, d)
}

func readTable(r *reader) {
	if r.left() > 0 && r.b[r.at] == 0x40 {
		r.stop(unsupported(featureReferences, r.at, "a table with an initial value"))
	}
	r.refType()
	readLimits(r)
}

func readLimits(r *reader) limits {
	at := r.at
	flags := r.byte()
	switch {
	case flags > 7:
		r.stop(malformed(at, "%#x is no limits flag", flags))
	case flags&4 != 0:
		r.stop(unsupported(featureMemory64, at, "64-bit addresses"))
	case flags&2 != 0:
		r.stop(unsupported(featureThreads, at, "a shared memory"))
	}
	l := limits{min: r.u32()}
	if flags&1 != 0 {
		l.hasMax, l.max = true, r.u32()
	}
	return l
}

func readGlobalType(r *reader) globalDecl {
	g := globalDecl{typ: r.valueType()}
	at := r.at
	switch flag := r.byte(); {
	case flag == 1:
		g.mutable = true
	case flag&2 != 0 && flag <= 3:
		r.stop(unsupported(featureThreads, at, "a shared global"))
	case flag != 0:
		r.stop(malformed(at, "%#x is no mutability", flag))
	}
	return g
}

func readElem(r *reader) (e elemDecl) {
	start := r.at
	flags := r.u32()
	if r.err == nil && flags > 7 {
		r.stop(malformed(start, "%#x is no kind of element segment", flags))
		return e
	}
	active, explicit, exprs := flags&1 == 0, flags&2 != 0, flags&4 != 0
	if active && explicit {
		r.u32() // the table
	}
	e.prefix, e.active = r.b[start:r.at], active
	if active {
		e.offset = readConstExpr(r)
	}
	suffix := r.at
	if !active || explicit {
		if exprs {
			r.refType()
		} else if kind := r.byte(); kind != 0 {
			r.failf("%#x is no kind of element", kind)
		}
	}
	e.suffix = r.b[suffix:r.at]
	r.items("elements", func(int) {
		if exprs {
			e.exprs = append(e.exprs, readConstExpr(r))
		} else {
			e.funcs = append(e.funcs, r.u32())
		}
	})
	return e
}

func readData(r *reader) (d dataDecl) {
	at := r.at
	flags := r.u32()
	switch {
	case flags > 2:
		r.stop(malformed(at, "%#x is no kind of data segment", flags))
	case flags == 2:
		if memory := r.u32(); memory != 0 {
			r.stop(unsupported(featureMemories, at, "a data segment for another memory"))
		}
	}
	if d.passive = flags == 1; !d.passive {
		d.offset = readConstExpr(r)
		d.at, d.fixed = d.offset.constant()
	}
	d.content = r.bytes(r.count("bytes of data"))
	return d
}

// readBody cuts out a function's code and adds up its locals.
func readBody(r *reader, maxLocals int) (b body) {
	size := r.count("bytes of code")
	start := r.at
	c := reader{b: r.b, at: r.at, end: r.at + size}
	var total uint64
	c.items("groups of locals", func(int) {
		g := localGroup{count: c.u32(), typ: c.valueType()}
		total += uint64(g.count)
		b.groups = append(b.groups, g)
	})
	if c.err == nil && total > uint64(maxLocals) {
		c.stop(limitError("a function has %d local variables, the limit is %d (code at byte %#x)", total, maxLocals, start))
	}
	if c.err != nil {
		r.stop(c.err)
		return b
	}
	b.locals, b.code = int(total), c
	r.bytes(size)
	return b
}
