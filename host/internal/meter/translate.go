package meter

// translator rewrites one function. While it copies instructions it keeps, for
// the place it is at, the weight of the longest path there that repeats nothing:
// phi. A branch that repeats code pays the difference between phi where it starts
// and where it ends. Along any way through the function the differences add up,
// so that all payments and the phi at the function's end cover what was run.
type translator struct {
	emitter
	m    *module
	fn   int
	self *node
	d    *decoder
	w    *walker

	phi   int64
	depth int // open labels in the new code
	loops int // so far
	res   translated
	wrap  bool // the body is in a block, for branches that cannot undo what the entry did
}

// translated is a function's new code, and what the plan must know of it.
type translated struct {
	body           []byte
	entry          int64 // the most phi is at the function's end and before calls: what has to be paid before
	most           int64 // the most phi is anywhere
	leastAfterCall int64 // the least phi after a call in the same cycle; -1: no such call
	touches        bool  // it pays, or calls what does
}

func (p *plan) translate(fn int) (translated, error) {
	b := p.m.bodies[fn-p.m.importedFuncs]
	t := p.m.typeOf(uint32(fn))
	self := &p.nodes[fn]
	tr := &translator{
		emitter: newEmitter(p, len(t.params)+b.locals, self.local),
		m:       p.m, fn: fn, self: self,
		d:   newDecoder(p.m, fn),
		w:   newWalker(len(t.results)),
		res: translated{leastAfterCall: -1},
		phi: int64(b.locals) / 4, // they are set to zero
	}
	tr.wrap = self.local || self.pays > 0
	tr.depth = 1
	if tr.wrap {
		tr.depth, tr.w.frames[0].out = 2, 1
	}
	if err := tr.run(); err != nil {
		return translated{}, err
	}
	tr.finish(b, t)
	return tr.res, nil
}

// run goes through the instructions.
func (t *translator) run() error {
	var in instr
	for t.d.next(&in) {
		if !t.w.dead {
			if t.phi >= int64(t.p.o.Span) {
				t.charge(t.phi, 0)
				t.phi = 0
			}
			t.phi += in.weight
			t.res.most = max(t.res.most, t.phi)
		}
		if err := t.instruction(&in); err != nil {
			return err
		}
	}
	return t.d.err
}

// charge pays a weight at this place.
func (t *translator) charge(weight, units int64) {
	t.res.touches = true
	t.pay(max(weight, 1), units)
}

func (t *translator) instruction(in *instr) error {
	switch in.op {
	case opBlock, opLoop, opIf:
		return t.open(in)
	case opElse, opEnd:
		return t.close(in)
	case opBr, opBrIf, opBrTable, opReturn:
		t.branch(in)
	case opCall, opReturnCall, opCallIndirect, opReturnCallInd:
		t.call(in)
	case opRefFunc:
		t.opU32(opRefFunc, t.p.newIndex(in.a))
	case prefixMisc:
		t.bulk(in)
	default:
		t.copy(in)
	}
	_, err := t.w.after(in)
	return err
}

func (t *translator) copy(in *instr) { t.out = append(t.out, t.m.wasm[in.at:in.end]...) }

// open enters a block.
func (t *translator) open(in *instr) error {
	f := frame{op: in.op, phi: t.phi}
	if in.op == opLoop {
		f.loop = t.loops
		t.loops++
		f.wrapped = !t.w.dead && in.block.params == 0 && t.p.facts[t.fn].loops[f.loop].repeats > 0
	}
	if f.wrapped {
		t.openSlow(&f, in)
	}
	t.copy(in)
	f.out = t.depth
	t.depth++
	if _, err := t.w.after(in); err != nil {
		return err
	}
	top := t.w.top()
	top.loop, top.phi, top.wrapped, top.outer, top.out = f.loop, f.phi, f.wrapped, f.outer, f.out
	return nil
}

// close leaves a block, or the first part of an if.
func (t *translator) close(in *instr) error {
	f := t.w.top()
	if !t.w.dead {
		f.label = max(f.label, t.phi)
	}
	if in.op == opElse || f.op == opIf {
		t.phi = f.phi // where the condition was false
	}
	if t.wrap && len(t.w.frames) == 1 && in.op == opEnd {
		t.undo()
		t.op(opReturn) // the block's end is written by finish
	} else {
		t.copy(in)
	}
	if in.op == opElse {
		_, err := t.w.after(in)
		return err
	}
	switch {
	case f.op == opIf && !f.dead:
		t.phi = max(f.phi, f.label)
	case f.label >= 0:
		t.phi = f.label
	default: // nothing gets here
		t.phi = f.phi
	}
	t.w.marks[f.id] = t.phi
	t.depth--
	if f.wrapped {
		t.closeSlow()
	}
	if len(t.w.frames) == 1 {
		t.res.entry = max(t.res.entry, t.phi)
	}
	_, err := t.w.after(in)
	return err
}

// label is how the new code names an open label.
func (t *translator) label(out int) uint32 { return uint32(t.depth - 1 - out) }

// finish puts the function together: locals, what it does at its entry, the code,
// and what branches that cannot undo that come to.
func (t *translator) finish(b body, typ funcType) {
	code := t.out
	t.out = nil
	pays := t.self.pays > 0
	slow := pays && fitsRegisters(typ)
	units := t.p.o.units(t.self.counted)
	if t.local || pays {
		t.reload()
	}
	if pays {
		t.subtract(t.self.pays, units)
		if !slow {
			t.orYield()
		}
	}
	if slow {
		t.op(opIf)
	} else if t.wrap {
		t.op(opBlock)
	}
	if t.wrap {
		t.resultType(typ)
	}
	entry := t.out
	t.out = nil
	if slow {
		t.op(opElse)
		t.spill()
		t.callSlow(typ, t.self.pays<<stackBits+units)
	}
	if t.wrap {
		t.op(opEnd)
		t.undo()
		t.op(opEnd)
	}
	exit := t.out

	var groups []byte
	for _, g := range b.groups {
		groups = append(appendU32(groups, g.count), byte(g.typ))
	}
	for _, v := range t.added {
		groups = append(groups, 1, byte(v))
	}
	out := appendU32(nil, uint32(len(b.groups)+len(t.added)))
	out = append(append(out, groups...), entry...)
	t.res.body = append(append(out, code...), exit...)
}

// resultType writes the type of a block with a function's results.
func (t *translator) resultType(typ funcType) {
	switch n := len(typ.results); n {
	case 0:
		t.op(0x40)
	case 1:
		t.op(byte(typ.results[0]))
	default:
		t.out = appendSigned(t.out, int64(t.p.typeIndex(funcType{results: typ.results})))
	}
}
