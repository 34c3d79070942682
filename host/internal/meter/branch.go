package meter

// Branches and calls, where most payments are made.

// branch rewrites a branch instruction, and return.
func (t *translator) branch(in *instr) {
	switch in.op {
	case opReturn:
		t.leave()
	case opBrTable:
		t.branchTable(in)
	default:
		to := t.w.target(in.a)
		if !to.backward() || t.w.dead {
			t.forward(in.op, to)
			return
		}
		from := to.phi
		if id, known := t.w.jump(to); in.op == opBr && known {
			if i := t.w.open[id]; i >= 0 {
				t.jump(to, &t.w.frames[i])
				return
			}
			from = t.w.marks[id]
		}
		t.repeat(in.op, to, max(t.phi-from, 1))
	}
}

// jump writes a jump of Go's that goes forward, which is free. Going there at once
// is faster than around the loop, but it gives the engine's register allocator
// more edges to get wrong: not where the function computes in registers.
func (t *translator) jump(loop, to *frame) {
	if t.local {
		t.phi += weightDispatch
		t.arrive(to)
		t.opU32(opBr, t.label(loop.out))
		return
	}
	t.forward(opBr, to)
}

// arrive notes that there is a way to a frame's end.
func (t *translator) arrive(f *frame) {
	if !t.w.dead && !f.backward() {
		f.label = max(f.label, t.phi)
	}
}

// forward writes a branch that repeats nothing. A conditional one becomes an if
// around a plain one: the engine compiles its own way of splitting the edge to
// more instructions.
func (t *translator) forward(op byte, to *frame) {
	if op == opBrIf && to.carries() == 0 && !t.w.dead {
		t.op(opIf, 0x40)
		t.depth++
		t.forward(opBr, to)
		t.depth--
		t.op(opEnd)
		return
	}
	if op == opBr && to.id == 0 {
		t.leave()
		return
	}
	t.arrive(to)
	t.opU32(op, t.label(to.out))
}

// leave returns from the function. What its entry did is undone before the
// results are put in place, so that the engine can do that in registers.
func (t *translator) leave() {
	t.arrive(&t.w.frames[0])
	t.undo()
	t.op(opReturn)
}

// undo puts the fuel back and gives back the stack, before the function ends.
func (t *translator) undo() {
	if t.w.dead {
		return
	}
	if t.local || t.self.counted > 0 {
		t.give(t.p.o.units(t.self.counted))
	}
}

// repeat writes a branch to a loop's start, which pays.
func (t *translator) repeat(op byte, to *frame, weight int64) {
	t.res.touches = true
	if !to.wrapped { // its branches carry values: pay whether it branches or not
		t.pay(weight, 0)
		t.opU32(op, t.label(to.out))
		return
	}
	if op == opBrIf {
		t.op(opIf, 0x40)
		t.depth++
	}
	t.subtract(weight, 0)
	t.op(opIf, 0x40)
	t.depth++
	t.opU32(opBr, t.label(to.out))
	t.depth--
	t.op(opEnd)
	t.opU32(opBr, t.label(to.outer)) // last, for what it leaves on the stack does not matter
	if op == opBrIf {
		t.depth--
		t.op(opEnd)
	}
}

// branchTable rewrites a br_table. When a label of it repeats code, it pays for
// the dearest, wherever it goes.
func (t *translator) branchTable(in *instr) {
	weight := int64(0)
	visit := func(label uint32) {
		f := t.w.target(label)
		t.arrive(f)
		if f.backward() && !t.w.dead {
			weight = max(weight, t.phi-f.phi, 1)
		}
	}
	for _, label := range in.targets {
		visit(label)
	}
	visit(in.a)
	if weight > 0 {
		t.charge(weight, 0)
	}
	t.opU32(opBrTable, uint32(len(in.targets)))
	for _, label := range in.targets {
		t.out = appendU32(t.out, t.label(t.w.target(label).out))
	}
	t.out = appendU32(t.out, t.label(t.w.target(in.a).out))
}

// call rewrites a call of any kind.
func (t *translator) call(in *instr) {
	c := call{in.op, in.a}
	if t.w.dead {
		t.writeCall(c, in, true)
		return
	}
	n := t.p.g.node(c)
	callee := &t.p.nodes[n]
	host := int(n) < t.m.importedFuncs
	indirect := in.op == opCallIndirect || in.op == opReturnCallInd
	cut := indirect && t.p.g.cut[n]
	switch {
	case host:
		t.phi += weightHost
	case !cut:
		t.phi += callee.cost
	}
	tail := t.tail(c, n)
	units := int64(0)
	if cut { // pay here, for the callee too; its functions need not
		if !tail {
			units = t.p.o.units(callee.height)
		}
		t.charge(t.phi+callee.cost, units)
		t.phi = 0
	}
	t.res.entry = max(t.res.entry, t.phi) // a deep recursion must not owe for what it ran before the calls
	touches := t.p.callTouches(c)
	t.res.touches = t.res.touches || touches && !host
	if tail {
		t.arrive(&t.w.frames[0])
		t.undo()
		t.writeCall(c, in, true)
		return
	}
	if touches {
		t.spill()
	}
	t.writeCall(c, in, false)
	if units > 0 {
		e := t.emitter
		e.local = false
		e.give(units)
		t.out = e.out
	}
	if touches {
		t.reload()
	}
	t.res.most = max(t.res.most, t.phi)
	if sameCycle := t.p.g.cycle[n] && t.p.g.scc[n] == t.p.g.scc[t.fn]; !host {
		switch {
		case t.self.after == afterAll, t.self.after == afterCycle && sameCycle:
			t.charge(1, 0) // what was run is paid for at the entry
		case sameCycle && (t.res.leastAfterCall < 0 || t.phi < t.res.leastAfterCall):
			t.res.leastAfterCall = t.phi
		}
	}
	if in.op == opReturnCall || in.op == opReturnCallInd {
		t.leave()
	}
}

func (t *translator) calleeType(c call) funcType {
	if c.kind == opCallIndirect || c.kind == opReturnCallInd {
		return t.m.types[c.a]
	}
	return t.m.typeOf(c.a)
}

// tail reports whether a call stays a tail call. One that the engine could not make
// without stack for its values becomes a call and a return, which is what the engine
// would do; here the stack can be counted. So does one that leaves a cycle from a
// function that counts stack for its callees, which it would have to give back.
func (t *translator) tail(c call, n int32) bool {
	if c.kind != opReturnCall && c.kind != opReturnCallInd {
		return false
	}
	leaves := t.p.g.scc[n] != t.p.g.scc[t.fn]
	return fitsRegisters(t.calleeType(c)) && !(leaves && t.self.counted > 0)
}

// writeCall writes the call itself, as a tail call or not.
func (t *translator) writeCall(c call, in *instr, tail bool) {
	switch op := c.kind; {
	case op == opReturnCall && !tail:
		t.op(opCall)
	case op == opReturnCallInd && !tail:
		t.op(opCallIndirect)
	default:
		t.op(op)
	}
	if c.kind == opCall || c.kind == opReturnCall {
		t.out = appendU32(t.out, t.p.newIndex(c.a))
	} else {
		t.out = append(t.out, t.m.wasm[in.imm:in.end]...)
	}
}

// fitsRegisters reports whether the engine passes all values of a type in
// registers, on any processor. If so, it makes tail calls by a jump.
func fitsRegisters(t funcType) bool {
	fits := func(types []ValueType, ints, floats int) bool {
		for _, v := range types {
			if v == F32 || v == F64 || v == V128 {
				floats--
			} else {
				ints--
			}
		}
		return ints >= 0 && floats >= 0
	}
	return fits(t.params, 6, 8) && fits(t.results, 8, 8)
}
