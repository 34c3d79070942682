package sandbox

// Limits of this host on what a module may declare. They are far above what
// compilers emit and bound what the engine allocates for a declaration.
const (
	maxLocals = 50_000  // of one function, parameters not counted
	maxParams = 1000    // and results, of one type
	maxItems  = 1 << 20 // of one list: functions, exports, data segments, …
)

// The order of sections; custom sections (0) may stand anywhere. The data count
// (12) comes before the code (10), the tags of exceptions (13) are refused.
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

// parse reads everything but the instructions of a module. It refuses what is
// no core module, what is cut off, every count and length that its section
// cannot hold, and the disabled features that show in declarations. The engine
// validates the rest.
func parse(b []byte) (*layout, error) {
	if err := checkHeader(b); err != nil {
		return nil, err
	}
	l := &layout{}
	names, last, lastID := false, 0, byte(0)
	for at := 8; at < len(b); {
		start := at
		head := &reader{b: b, at: at, end: len(b)}
		id := head.byte()
		size := head.u32()
		if head.err != nil {
			if len(b)-start < 6 {
				return nil, truncatedf("the file ends at byte %d, inside the header of a section", len(b))
			}
			return nil, head.err
		}
		if id == 13 {
			return nil, refuseFeature(featureExceptions, "a tag section")
		}
		if int(id) >= len(sectionNames) {
			return nil, refusef("malformed module at byte %d: unknown section %d", start, id)
		}
		if uint64(size) > uint64(head.left()) {
			return nil, truncatedf("the file ends at byte %d, the %s section goes on to byte %d",
				len(b), sectionNames[id], uint64(head.at)+uint64(size))
		}
		if id != 0 {
			if sectionRank(id) <= last {
				return nil, refusef("malformed module at byte %d: the %s section comes after the %s section",
					start, sectionNames[id], sectionNames[lastID])
			}
			last, lastID = sectionRank(id), id
		}
		r := &reader{b: b, at: head.at, end: head.at + int(size)}
		l.section(r, id, start, &names)
		if r.err == nil && r.at != r.end {
			r.failf("%d bytes too many in the %s section", r.left(), sectionNames[id])
		}
		if r.err != nil {
			return nil, r.err
		}
		at = r.end
	}
	if own := len(l.funcs) - l.imported; l.bodies != own {
		if lastID < 10 {
			return nil, truncatedf("%d functions are declared and the code section is missing", own)
		}
		return nil, refusef("malformed module: %d functions are declared, %d have code", own, l.bodies)
	}
	return l, l.resolve()
}

// section reads the section that r stands at. start is where its header began,
// names whether a name section was seen.
func (l *layout) section(r *reader, id byte, start int, names *bool) {
	switch id {
	case 0:
		l.custom(r, names)
	case 1:
		for range r.items("types") {
			l.types = append(l.types, readFuncType(r))
		}
	case 2:
		for range r.items("imports") {
			l.readImport(r)
		}
	case 3:
		for range r.items("functions") {
			l.funcs = append(l.funcs, l.typeIndex(r))
		}
	case 4:
		l.tableStart, l.tableEnd = start, r.end
		for range r.items("tables") {
			l.tables = append(l.tables, readTable(r))
		}
	case 5:
		for range r.items("memories") {
			l.memories = append(l.memories, r.limits())
		}
	case 6:
		for range r.items("globals") {
			readGlobalType(r)
			r.expr()
		}
	case 7:
		for range r.items("exports") {
			e := exportDecl{name: r.name("an export's name")}
			e.kind, e.index = externKind(r.byte()), r.u32()
			l.exports = append(l.exports, e)
		}
	case 8:
		r.u32()
	case 9:
		for range r.items("element segments") {
			readElements(r)
		}
	case 10:
		for range r.items("functions") {
			readBody(r)
			l.bodies++
		}
	case 11:
		for range r.items("data segments") {
			readData(r)
		}
	case 12:
		r.u32()
	}
}

// resolve checks what can only be checked when all sections are read.
func (l *layout) resolve() error {
	if n := len(l.memories); n > 1 || n == 1 && l.memImport {
		return refuseFeature(featureMemories, "more than one memory")
	}
	seen := make(map[string]struct{}, len(l.exports))
	for _, e := range l.exports {
		if _, ok := seen[e.name]; ok {
			return refusef("malformed module: %q is exported twice", e.name)
		}
		seen[e.name] = struct{}{}
		if e.kind > kindGlobal {
			return refuseFeature(featureExceptions, "an exported tag")
		}
		if e.kind == kindFunc && int(e.index) >= len(l.funcs) {
			return refusef("malformed module: export %q names function %d of %d", e.name, e.index, len(l.funcs))
		}
	}
	return nil
}

func (l *layout) typeIndex(r *reader) uint32 {
	n := r.u32()
	if r.err == nil && int(n) >= len(l.types) {
		r.failf("type %d of %d", n, len(l.types))
	}
	return n
}

func (l *layout) readImport(r *reader) {
	d := importDecl{module: r.name("an import's module"), name: r.name("an import's name")}
	switch d.kind = externKind(r.byte()); d.kind {
	case kindFunc:
		n := l.typeIndex(r)
		if r.err != nil {
			return
		}
		d.typ = l.types[n]
		l.funcs = append(l.funcs, n)
		l.imported++
	case kindTable:
		readTable(r)
	case kindMemory:
		l.memImport = true
		r.limits()
	case kindGlobal:
		readGlobalType(r)
	case 4:
		r.stop(refuseFeature(featureExceptions, "an imported tag"))
	default:
		r.at--
		r.failf("%#x is no kind of import", byte(d.kind))
	}
	l.imports = append(l.imports, d)
}
