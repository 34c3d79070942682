package meter

import "cmp"

// nameSection renumbers the functions of the name section, so that stack traces
// still name the right ones, and names what was added. Labels and data segments
// have other numbers now; their names are dropped. A section that does not parse
// is dropped too: names never make a module invalid.
func (p *plan) nameSection(helpers []helper) []byte {
	if p.m.nameSection == nil {
		return nil
	}
	const (
		moduleName = 0
		functions  = 1
		locals     = 2
		types      = 4
		elements   = 8
	)
	out := appendName(nil, "name")
	section := p.m.nameSection
	r := &reader{b: section, end: len(section)}
	last := -1
	for r.left() > 0 && r.err == nil {
		id := r.byte()
		size := r.count("bytes of a subsection")
		sub := &reader{b: section, at: r.at, end: r.at + size}
		r.bytes(size)
		if r.err != nil || int(id) <= last {
			return nil
		}
		last = int(id)
		var content []byte
		switch {
		case id == moduleName:
			content = appendName(nil, sub.name())
		case id == functions:
			content = p.functionNames(sub, helpers)
		case id == locals:
			content = p.localNames(sub)
		case types <= id && id <= elements:
			content = sub.bytes(size)
		default:
			continue
		}
		if sub.err != nil || sub.left() > 0 {
			return nil
		}
		out = appendBytes(append(out, id), content)
	}
	if r.err != nil {
		return nil
	}
	return out
}

// functionNames copies the names of functions in their order, with that of the
// yield function between those of imports and the others.
func (p *plan) functionNames(r *reader, helpers []helper) []byte {
	var items []byte
	of := make(map[int]string, len(helpers))
	for _, h := range helpers {
		if h.name == "" && h.label == "" {
			of[h.of] = ""
		}
	}
	add := func(index uint32, name string) { items = appendName(appendU32(items, index), name) }
	added, count := false, len(helpers)+1
	last := int64(-1)
	count += r.items("names", func(int) {
		at := r.at
		fn, name := r.u32(), r.name()
		if int64(fn) <= last || int(fn) >= len(p.m.funcs) {
			r.stop(malformed(at, "function names are not in order"))
			return
		}
		last = int64(fn)
		if _, ok := of[int(fn)]; ok {
			of[int(fn)] = name
		}
		if !added && int(fn) >= p.m.importedFuncs {
			added = true
			add(p.yield, p.o.Module+"."+p.o.Yield)
		}
		add(p.newIndex(fn), name)
	})
	if !added {
		add(p.yield, p.o.Module+"."+p.o.Yield)
	}
	for i, h := range helpers {
		name := cmp.Or(h.name, h.label)
		if name == "" {
			name = of[h.of]
		}
		add(uint32(len(p.m.funcs)+1+i), name)
	}
	return append(appendU32(nil, uint32(count)), items...)
}

func (p *plan) localNames(r *reader) []byte {
	var items []byte
	last := int64(-1)
	count := r.items("functions", func(int) {
		at := r.at
		fn := r.u32()
		if int64(fn) <= last || int(fn) >= len(p.m.funcs) {
			r.stop(malformed(at, "local names are not in order"))
			return
		}
		last = int64(fn)
		start := r.at
		r.items("names", func(int) { r.u32(); r.name() })
		items = append(appendU32(items, p.newIndex(fn)), r.b[start:r.at]...)
	})
	return append(appendU32(nil, uint32(count)), items...)
}
