package meter

import "slices"

// The statements of random modules.

func (g *gen) statement(depth int) []byte {
	g.room--
	if g.room < 0 || depth > 5 {
		return nil
	}
	switch g.r.IntN(16) {
	case 0, 1:
		return g.call()
	case 2:
		return g.tailCall()
	case 3:
		return g.ticked(slices.Concat(g.address(), g.expr(I32, 1), ops(0x36, 2, 0)), 3)
	case 4:
		return g.ticked(slices.Concat(g.expr(I64, 2), gset(2)), 2)
	case 5:
		return g.bulk()
	case 6, 7:
		return g.ifElse(depth)
	case 8:
		return slices.Concat(ops(opBlock, 0x40), g.inside(false, depth), ops(opEnd))
	case 9, 10:
		return g.loop(depth)
	case 11:
		return g.branch()
	case 12:
		return g.branchTable()
	case 13:
		return g.dispatch(depth)
	case 14:
		return g.valueLoop()
	}
	t := pick(g.r, number)
	i, ok := g.variable(t)
	if !ok {
		return nil
	}
	return g.ticked(slices.Concat(g.expr(t, 3), set(i)), 2)
}

// inside makes statements in a block.
func (g *gen) inside(repeats bool, depth int) (code []byte) {
	g.labels = append(g.labels, repeats)
	for range 1 + g.r.IntN(4) {
		code = append(code, g.statement(depth+1)...)
	}
	g.labels = g.labels[:len(g.labels)-1]
	return code
}

func (g *gen) ifElse(depth int) []byte {
	code := slices.Concat(g.ticked(nil, 1), g.expr(I32, 1), ops(opIf, 0x40), g.inside(false, depth))
	if g.r.IntN(2) == 0 {
		code = slices.Concat(code, ops(opElse), g.inside(false, depth))
	}
	return append(code, opEnd)
}

// loop repeats while a condition holds, at its end or in the middle.
func (g *gen) loop(depth int) []byte {
	body := g.inside(true, depth)
	return slices.Concat(ops(opLoop, 0x40), body, g.guard(), g.ticked(nil, 2), g.expr(I32, 1), brif(0), ops(opEnd))
}

// branch goes to any open label, perhaps on a condition. Code after it may be
// dead.
func (g *gen) branch() []byte {
	n := g.r.IntN(len(g.labels))
	if n == len(g.labels)-1 { // the function
		if len(g.typ.results) != 1 || g.r.IntN(2) == 0 {
			return g.returns()
		}
		v := g.typ.results[0] // a conditional branch that carries a value
		return slices.Concat(g.ticked(nil, 3), g.expr(v, 1), g.expr(I32, 1), brif(uint32(n)), ops(opDrop))
	}
	var guard []byte
	if g.labels[len(g.labels)-1-n] {
		guard = g.guard()
	}
	if g.r.IntN(3) == 0 {
		return slices.Concat(guard, g.ticked(nil, 1), br(uint32(n)))
	}
	return slices.Concat(guard, g.ticked(nil, 2), g.expr(I32, 1), brif(uint32(n)))
}

func (g *gen) returns() (code []byte) {
	for _, v := range g.typ.results {
		code = append(code, g.expr(v, 1)...)
	}
	return g.ticked(append(code, opReturn), 1+len(g.typ.results))
}

func (g *gen) branchTable() []byte {
	n := len(g.labels)
	if len(g.typ.results) > 0 {
		n-- // the function's label carries values, the others do not
	}
	if n == 0 {
		return nil
	}
	var labels []uint32
	for range 1 + g.r.IntN(5) {
		labels = append(labels, uint32(g.r.IntN(n)))
	}
	return slices.Concat(g.guard(), g.ticked(nil, 2), g.expr(I32, 1), i32c(7), ops(0x71), brTable(labels...))
}

// dispatch is a loop as Go's compiler makes them.
func (g *gen) dispatch(depth int) []byte {
	pc := uint32(len(g.params) - 1) // nothing else relies on it
	n := 2 + g.r.IntN(4)
	var labels []uint32
	for i := range n {
		labels = append(labels, uint32(i))
	}
	code := slices.Concat(ops(opBlock, 0x40, opLoop, 0x40))
	for range n {
		code = append(code, opBlock, 0x40)
	}
	code = slices.Concat(code, get(pc), brTable(labels...))
	saved := len(g.labels)
	for i := range n {
		code = append(code, opEnd)
		// Open here: the blocks from n-1 down to i+1, the loop, the block around.
		g.labels = append(g.labels[:saved:saved], false, true)
		for range n - 1 - i {
			g.labels = append(g.labels, false)
		}
		code = append(code, g.statement(depth+3)...)
		jump := slices.Concat(g.guard(), g.ticked(nil, 3), i32c(int64(g.r.IntN(n+2)-1)), set(pc), br(uint32(n-1-i)))
		switch g.r.IntN(4) {
		case 0:
			code = append(code, jump...)
		case 1, 2: // in an if, so a label further
			jump = slices.Concat(g.guard(), g.ticked(nil, 3), i32c(int64(g.r.IntN(n+2)-1)), set(pc), br(uint32(n-i)))
			code = slices.Concat(code, g.ticked(nil, 2), g.expr(I32, 1), iff(jump))
		}
	}
	g.labels = g.labels[:saved]
	return append(code, opEnd, opEnd)
}

// valueLoop is a loop whose branches carry a value.
func (g *gen) valueLoop() []byte {
	t := g.build.typ([]ValueType{I32}, []ValueType{I32})
	i := uint32(len(g.params) - 2)
	return slices.Concat(g.ticked(nil, 1), i32c(int64(g.r.IntN(9))), appendU32([]byte{opLoop}, t),
		set(i), g.guard(), g.ticked(nil, 7), get(i), i32c(1), ops(0x6b), tee(i), get(i), brif(0), ops(opEnd, opDrop))
}

func (g *gen) arguments(t funcType) (code []byte) {
	for _, v := range t.params {
		code = append(code, g.expr(v, 1)...)
	}
	return code
}

func (g *gen) call() []byte {
	i := g.r.IntN(len(g.fns))
	t := g.sigs[i]
	code := g.arguments(t)
	if g.r.IntN(3) == 0 {
		code = slices.Concat(code, g.slot(), indirect(g.typ2(t)))
	} else {
		code = append(code, callf(g.fns[i])...)
	}
	for range t.results {
		code = append(code, opDrop)
	}
	return g.ticked(code, 1+len(t.params))
}

// slot is an index into the table: most find a function, some trap.
func (g *gen) slot() []byte {
	return slices.Concat(g.expr(I32, 0), i32c(3), ops(0x71))
}

func (g *gen) typ2(t funcType) uint32 { return g.build.typ(t.params, t.results) }

func (g *gen) tailCall() []byte {
	var fits []int
	for i, t := range g.sigs {
		if slices.Equal(t.results, g.typ.results) {
			fits = append(fits, i)
		}
	}
	if len(fits) == 0 {
		return nil
	}
	i := pick(g.r, fits)
	code := g.arguments(g.sigs[i])
	if g.r.IntN(3) == 0 {
		return slices.Concat(g.expr(I32, 1), iff(g.ticked(slices.Concat(code, g.slot(), tailInd(g.typ2(g.sigs[i]))), 2)))
	}
	return slices.Concat(g.expr(I32, 1), iff(g.ticked(append(code, tailf(g.fns[i])...), 1+len(g.sigs[i].params))))
}

func (g *gen) bulk() []byte {
	length := slices.Concat(g.expr(I32, 1), i32c(0x3ff), ops(0x71))
	if g.r.IntN(2) == 0 {
		length = i32c(int64(g.r.IntN(64)))
	}
	if g.r.IntN(2) == 0 {
		return g.ticked(slices.Concat(i32c(1024), g.expr(I32, 1), length, ops(prefixMisc, miscMemoryFill, 0)), 4)
	}
	return g.ticked(slices.Concat(i32c(2048), i32c(64), length, ops(prefixMisc, miscMemoryCopy, 0, 0)), 4)
}
