package sandbox

// The items of sections, one function each. Those whose contents nothing here
// needs are still walked: their inner counts must be sane before the engine
// allocates by them.

func readFuncType(r *reader) funcType {
	switch b := r.byte(); b {
	case 0x60:
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		r.stop(refuseFeature(featureReferences, "a composite type"))
	default:
		r.at--
		r.failf("%#x starts no function type", b)
	}
	list := func(what string) []valType {
		n := r.count(what)
		if n > maxParams {
			r.stop(refusef("a function type has %d %s, the limit is %d", n, what, maxParams))
			return nil
		}
		types := make([]valType, n)
		for i := range types {
			types[i] = r.valType()
		}
		return types
	}
	return funcType{params: list("parameters"), results: list("results")}
}

func readTable(r *reader) tableDecl {
	if r.left() > 0 && r.b[r.at] == 0x40 {
		r.stop(refuseFeature(featureReferences, "a table with an initial value"))
	}
	r.refType()
	t := tableDecl{limitsStart: r.at}
	t.limits = r.limits()
	t.limitsEnd = r.at
	return t
}

func readGlobalType(r *reader) {
	r.valType()
	if mutable := r.byte(); mutable > 1 {
		r.failf("%#x is no mutability", mutable)
	}
}

func readElements(r *reader) {
	flags := r.u32()
	if flags > 7 {
		r.failf("%#x is no kind of element segment", flags)
		return
	}
	active, explicit, exprs := flags&1 == 0, flags&2 != 0, flags&4 != 0
	if active {
		if explicit {
			r.u32() // table
		}
		r.expr()
	}
	if !active || explicit {
		if exprs {
			r.refType()
		} else if kind := r.byte(); kind != 0 {
			r.failf("%#x is no kind of element", kind)
		}
	}
	for range r.items("elements") {
		if exprs {
			r.expr()
		} else {
			r.u32()
		}
	}
}

func readData(r *reader) {
	flags := r.u32()
	if flags > 2 {
		r.failf("%#x is no kind of data segment", flags)
		return
	}
	if flags == 2 {
		if memory := r.u32(); memory != 0 {
			r.stop(refuseFeature(featureMemories, "a data segment for another memory"))
		}
	}
	if flags != 1 {
		r.expr()
	}
	r.bytes(r.count("bytes of data"))
}

// readBody passes over a function's code. The locals are a few bytes that can
// stand for billions, so they are added up.
func readBody(r *reader) {
	size := r.count("bytes of code")
	body := &reader{b: r.b, at: r.at, end: r.at + size}
	var locals uint64
	for range body.items("groups of locals") {
		locals += uint64(body.u32())
		body.valType()
	}
	if body.err == nil && locals > maxLocals {
		body.stop(refusef("a function has %d local variables, the limit is %d", locals, maxLocals))
	}
	if body.err != nil {
		r.stop(body.err)
		return
	}
	r.bytes(size)
}

// custom reads the producers section, checks the name section, which the engine
// parses, and passes over all others.
func (l *layout) custom(r *reader, names *bool) {
	switch r.name("a custom section's name") {
	case "name":
		if *names {
			r.failf("there are two name sections")
		}
		*names = true
		checkNames(r)
	case "producers":
		l.producers = readProducers(r)
	}
	if r.err == nil {
		r.at = r.end
	}
}

// checkNames walks the subsections that the engine parses: the names of
// functions (1) and of their locals (2).
func checkNames(r *reader) {
	for r.err == nil && r.left() > 0 {
		id, size := r.byte(), r.count("bytes of names")
		sub := &reader{b: r.b, at: r.at, end: r.at + size}
		switch id {
		case 0:
			sub.name("the module's name")
		case 1:
			nameMap(sub)
		case 2:
			for range sub.items("functions") {
				sub.u32()
				nameMap(sub)
			}
		default:
			sub.at = sub.end
		}
		if sub.err == nil && sub.left() > 0 {
			sub.failf("%d bytes too many in the name section", sub.left())
		}
		if sub.err != nil {
			r.stop(sub.err)
			return
		}
		r.bytes(size)
	}
}

func nameMap(r *reader) {
	for range r.items("names") {
		r.u32()
		r.name("a name")
	}
}

// readProducers reads the tools that made the module. It is a courtesy section:
// one that is malformed says nothing and hurts nothing.
func readProducers(r *reader) []producer {
	in := &reader{b: r.b, at: r.at, end: r.end}
	var list []producer
	for range in.items("fields") {
		field := in.name("a field")
		for range in.items("values") {
			list = append(list, producer{field, in.name("a value"), in.name("a version")})
		}
	}
	if in.err != nil {
		return nil
	}
	return list
}
