package meter

// emitter writes the instructions that the rewrite adds. All of them leave the
// operand stack below as it is, so they can stand between any two instructions.
//
// The shapes are chosen for the engine's compiler. It fuses a comparison with the
// branch of an if but not with a br_if whose target has other ways in, and it
// takes the first part of an if for the likely one: the code after the end starts
// with its registers. So conditions hold when all is well, and the rare case is
// the else.
type emitter struct {
	p      *plan
	out    []byte
	first  uint32 // index of the first added local
	added  []ValueType
	local  bool // the state is in a local variable
	state  int  // which added local is the state, or a copy of it; -1: none yet
	length int  // which holds the length of a bulk operation
}

func newEmitter(p *plan, first int, local bool) emitter {
	return emitter{p: p, first: uint32(first), local: local, state: -1, length: -1}
}

func (e *emitter) op(code ...byte)            { e.out = append(e.out, code...) }
func (e *emitter) opU32(op byte, n uint32)    { e.out = appendU32(append(e.out, op), n) }
func (e *emitter) opSigned(op byte, n int64)  { e.out = appendSigned(append(e.out, op), n) }
func (e *emitter) opLocal(op byte, which int) { e.opU32(op, e.first+uint32(which)) }

func (e *emitter) variable(which *int, t ValueType) int {
	if *which < 0 {
		*which = len(e.added)
		e.added = append(e.added, t)
	}
	return *which
}

func (e *emitter) stateVar() int { return e.variable(&e.state, I64) }

func (e *emitter) load() {
	if e.local {
		e.opLocal(opLocalGet, e.stateVar())
	} else {
		e.opU32(opGlobalGet, e.p.state)
	}
}

// store keeps the state on top of the stack and leaves the condition that
// nothing is used up. stack says whether that is about the native stack as well.
func (e *emitter) store(stack bool) {
	e.opLocal(opLocalTee, e.stateVar())
	if !e.local {
		e.opU32(opGlobalSet, e.p.state)
		e.opLocal(opLocalGet, e.stateVar())
	}
	if stack {
		e.opSigned(opI64Const, stateSpent)
		e.op(opI64And)
		e.op(opI64Eqz)
		return
	}
	e.opSigned(opI64Const, 0)
	e.op(opI64GeS)
}

// subtract takes a weight, and units of stack, off the state and leaves the
// condition that there is some left.
func (e *emitter) subtract(weight, units int64) {
	e.load()
	e.opSigned(opI64Const, weight<<stackBits+units)
	e.op(opI64Sub)
	e.store(units > 0)
}

// yield gives the state to the host for more fuel.
func (e *emitter) yield() {
	e.load()
	e.opU32(opCall, e.p.yield)
	if e.local {
		e.opLocal(opLocalSet, e.stateVar())
	} else {
		e.opU32(opGlobalSet, e.p.state)
	}
}

// orYield yields when the condition on the stack does not hold.
func (e *emitter) orYield() {
	e.op(opIf, 0x40, opElse)
	e.yield()
	e.op(opEnd)
}

// pay takes a weight, and units of stack, and yields when either is used up.
func (e *emitter) pay(weight, units int64) {
	e.subtract(weight, units)
	e.orYield()
}

// check yields when the fuel is used up.
func (e *emitter) check() {
	e.load()
	e.opSigned(opI64Const, 0)
	e.op(opI64GeS)
	e.orYield()
}

// payLength takes the length on top of the stack and leaves the condition that
// there is fuel left: a weight of one for every 1<<down of it, or 1<<up for every
// one.
func (e *emitter) payLength(down, up int64) {
	v := e.variable(&e.length, I32)
	e.opLocal(opLocalSet, v)
	e.load()
	e.opLocal(opLocalGet, v)
	e.scale(down, up)
	e.op(opI64Sub)
	e.store(false)
}

// scale turns a length into what it costs, as the state has it.
func (e *emitter) scale(down, up int64) {
	e.op(opI64ExtendU)
	if down > 0 {
		e.opSigned(opI64Const, down)
		e.op(opI64ShrU)
	}
	e.opSigned(opI64Const, stackBits+up)
	e.op(opI64Shl)
}

// spill puts the state where callees and the host see it, reload gets it back.
func (e *emitter) spill() {
	if e.local {
		e.opLocal(opLocalGet, e.stateVar())
		e.opU32(opGlobalSet, e.p.state)
	}
}

func (e *emitter) reload() {
	if e.local {
		e.opU32(opGlobalGet, e.p.state)
		e.opLocal(opLocalSet, e.stateVar())
	}
}

// give gives back units of stack, and puts the state where others see it.
func (e *emitter) give(units int64) {
	if units == 0 {
		e.spill()
		return
	}
	e.load()
	e.opSigned(opI64Const, units)
	e.op(opI64Add)
	e.opU32(opGlobalSet, e.p.state)
}
