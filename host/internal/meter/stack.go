package meter

// frameEstimate guesses how many bytes of native stack a function's frame takes.
// The engine keeps what lives across a call in memory, each value in a slot of its
// own, so the values that are made between one call and the next are counted;
// measured over a Go program's functions, about half of them get a slot. What does
// not fit into the registers takes slots as well.
type frameEstimate struct {
	vars    int64 // parameters and locals: no more can be alive in variables
	pending int64 // values made since the last call
	slots   int64
	wide    bool // there are vectors
}

const (
	frameBase = 64 // return address, frame pointer, what is saved for the caller
	slotBytes = 4  // half of a slot
)

func newFrameEstimate(params int, b body) *frameEstimate {
	e := &frameEstimate{vars: int64(params + b.locals), pending: int64(params)}
	for _, g := range b.groups {
		e.wide = e.wide || g.typ == V128
	}
	return e
}

func (e *frameEstimate) step(in *instr) {
	switch in.op {
	case opLocalSet, opLocalTee:
		e.pending++
	case opCall, opCallIndirect:
		e.slots += min(e.pending, e.vars+4)
		e.pending = 1
	}
}

func (e *frameEstimate) bytes() int64 {
	slots := e.slots + min(e.pending, e.vars+4)
	if e.wide {
		slots *= 2
	}
	return frameBase + slotBytes*slots
}
