package meter

// The slow path of a function's entry. When the state is used up, the function
// makes a tail call to a helper with all its parameters; the helper yields and
// makes a tail call back. So the function itself has no call in its entry, for
// whose sake the engine would have to save the parameters each time.

// slowEntry is the helper of one function.
type slowEntry struct {
	fn    int
	price int64 // what the entry takes off the state, and will again
}

// callSlow writes the call of the helper.
func (t *translator) callSlow(typ funcType, price int64) {
	for i := range typ.params {
		t.opU32(opLocalGet, uint32(i))
	}
	t.opU32(opReturnCall, t.p.slowIndex(t.fn, price))
}

// slowIndex returns the function index of the helper of a function.
func (p *plan) slowIndex(fn int, price int64) uint32 {
	n := len(p.slow)
	if n == 0 || p.slow[n-1].fn != fn {
		p.slow = append(p.slow, slowEntry{fn, price})
		n++
	}
	return uint32(len(p.m.funcs) + len(p.m.bulk) + n) // the yield function is one more
}

// slowHelpers writes the helpers.
func (p *plan) slowHelpers() []helper {
	helpers := make([]helper, len(p.slow))
	for i, s := range p.slow {
		e := newEmitter(p, 0, false)
		e.op(0)
		e.load()
		e.opU32(opCall, p.yield)
		e.opSigned(opI64Const, s.price)
		e.op(opI64Add)
		e.opU32(opGlobalSet, p.state)
		for v := range p.m.typeOf(uint32(s.fn)).params {
			e.opU32(opLocalGet, uint32(v))
		}
		e.opU32(opReturnCall, p.newIndex(uint32(s.fn)))
		e.op(opEnd)
		helpers[i] = helper{of: s.fn, typ: p.m.funcs[s.fn], body: e.out}
	}
	return helpers
}
