package meter

import "fmt"

// facts are what one pass over a function's code tells.
type facts struct {
	calls []call     // in the order of the code, dead code left out
	loops []loopFact // by the loop's number
	frame int64      // bytes of native stack, by estimate
}

// call is one call: of a function, or through a table with a type.
type call struct {
	kind byte // opCall, opReturnCall, opCallIndirect or opReturnCallInd
	a    uint32
}

// loopFact says which of a loop's branches repeat code.
type loopFact struct {
	repeats int      // branches that do
	tight   [][2]int // for each: the calls from, to in facts.calls that lie between
}

// scan reads all code once. It finds what is refused, the call graph and what a
// reset must know.
func (m *module) scan(res *Reset) ([]facts, []bool, error) {
	all := make([]facts, len(m.funcs))
	taken := make([]bool, len(m.funcs))
	m.eachRef(func(fn uint32) error { taken[fn] = true; return nil })
	for i := range m.bodies {
		fn := m.importedFuncs + i
		if err := m.scanBody(fn, &all[fn], taken, res); err != nil {
			return nil, nil, fmt.Errorf("function %d: %w", fn, err)
		}
	}
	if m.importedTables > 0 { // whoever exports the table may put functions into it
		for _, e := range m.exports {
			if e.kind == kindFunc {
				taken[e.index] = true
			}
		}
	}
	return all, taken, nil
}

func (m *module) scanBody(fn int, f *facts, taken []bool, res *Reset) error {
	b := m.bodies[fn-m.importedFuncs]
	t := m.typeOf(uint32(fn))
	d := newDecoder(m, fn)
	w := newWalker(len(t.results))
	est := newFrameEstimate(len(t.params), b)
	note := func(flag *bool, why *string, what string, at int) {
		if !*flag {
			*flag, *why = true, fmt.Sprintf("function %d has %s at byte %#x", fn, what, at)
		}
	}
	var in instr
	for ended := false; d.next(&in); {
		if ended {
			return malformed(in.at, "code after the end of the function")
		}
		switch in.op {
		case opLoop:
			f.loops = append(f.loops, loopFact{})
		case opBr, opBrIf, opBrTable:
			if err := f.branch(w, &in); err != nil {
				return err
			}
		case opCall, opReturnCall, opCallIndirect, opReturnCallInd:
			if !w.dead {
				f.calls = append(f.calls, call{in.op, in.a})
			}
		case opRefFunc:
			taken[in.a] = true
		case opTableSet:
			note(&res.Tables, &res.TablesWhy, "table.set", in.at)
		case opEnd:
			w.marks[w.top().id] = int64(len(f.calls))
		case prefixMisc:
			m.scanMisc(&in, f, res, note)
		}
		est.step(&in)
		var err error
		isLoop := in.op == opLoop
		if ended, err = w.after(&in); err != nil {
			return err
		}
		if isLoop {
			top := w.top()
			top.loop, top.phi = len(f.loops)-1, int64(len(f.calls))
		}
	}
	if d.err != nil {
		return d.err
	}
	if len(w.frames) > 0 {
		return malformed(d.end, "the function's code does not end")
	}
	f.frame = est.bytes()
	return nil
}

func (m *module) scanMisc(in *instr, f *facts, res *Reset, note func(*bool, *string, string, int)) {
	switch in.sub {
	case miscMemoryInit:
		m.namesData = true
		m.noteBulk(bulkOp{in.sub, in.a})
	case miscMemoryCopy, miscMemoryFill:
		m.noteBulk(bulkOp{sub: in.sub})
	case miscTableInit, miscTableCopy, miscTableGrow, miscTableFill:
		name := map[uint32]string{miscTableInit: "table.init", miscTableCopy: "table.copy", miscTableGrow: "table.grow", miscTableFill: "table.fill"}
		note(&res.Tables, &res.TablesWhy, name[in.sub], in.at)
	case miscDataDrop:
		m.namesData = true
		note(&res.Segments, &res.SegmentsWhy, "data.drop", in.at)
	case miscElemDrop:
		note(&res.Segments, &res.SegmentsWhy, "elem.drop", in.at)
	}
}

// branch notes a branch instruction's labels that repeat code.
func (f *facts) branch(w *walker, in *instr) error {
	to := w.target(in.a)
	if to == nil {
		return malformed(in.at, "label %d of %d", in.a, len(w.frames))
	}
	now := len(f.calls)
	repeat := func(l *frame, from int) {
		fact := &f.loops[l.loop]
		fact.repeats++
		if n := len(fact.tight); n > 0 && fact.tight[n-1] == [2]int{from, now} {
			return
		}
		fact.tight = append(fact.tight, [2]int{from, now})
	}
	if in.op == opBrTable {
		for _, label := range in.targets {
			l := w.target(label)
			if l == nil {
				return malformed(in.at, "label %d of %d", label, len(w.frames))
			}
			if l.backward() && !w.dead {
				repeat(l, int(l.phi))
			}
		}
	}
	if !to.backward() || w.dead {
		return nil
	}
	if id, known := w.jump(to); in.op == opBr && known {
		if w.open[id] < 0 {
			repeat(to, int(w.marks[id]))
		}
		return nil
	}
	repeat(to, int(to.phi))
	return nil
}

// tight reports whether some loop of the function repeats without a call that
// touches the fuel. Such a loop pays for keeping the fuel in a local variable.
func (f *facts) tight(touches func(c call) bool) bool {
	before := make([]int, len(f.calls)+1) // how many of the first i calls touch it
	for i, c := range f.calls {
		before[i+1] = before[i]
		if touches(c) {
			before[i+1]++
		}
	}
	for _, l := range f.loops {
		for _, t := range l.tight {
			if before[t[0]] == before[t[1]] {
				return true
			}
		}
	}
	return false
}
