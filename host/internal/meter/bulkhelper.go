package meter

// The helpers of operations on ranges of memory, see bulk.go. One has the type
// (to, from or value, length) -> () and does this:
//
//	give back what the caller has paid
//	if the range is not in memory: run the instruction, which traps
//	loop
//	  pay for a piece, and yield if there is no fuel
//	  run the instruction for the piece
//	  go on while there is more
//	end

// bulkHelper returns the function index of a helper. They come first of all.
func (p *plan) bulkHelper(i int) uint32 { return uint32(len(p.m.funcs) + 1 + i) }

// bulkHelpers writes the helpers.
func (p *plan) bulkHelpers() []helper {
	helpers := make([]helper, len(p.m.bulk))
	typ := funcType{params: []ValueType{I32, I32, I32}}
	names := map[uint32]string{miscMemoryInit: "init", miscMemoryCopy: "copy", miscMemoryFill: "fill"}
	for i, op := range p.m.bulk {
		w := bulkWriter{emitter: newEmitter(p, 3, false), bulkOp: op, piece: -1}
		w.variable(&w.piece, I32)
		helpers[i] = helper{label: p.o.Module + ".memory." + names[op.sub], typ: p.typeIndex(typ), body: w.body()}
	}
	return helpers
}

// bulkWriter writes the code of one helper.
type bulkWriter struct {
	emitter
	bulkOp
	piece int // the variable with the length of a piece
}

// The parameters.
const (
	bulkTo     = 0
	bulkFrom   = 1
	bulkLength = 2
)

func (w *bulkWriter) body() []byte {
	w.load()
	w.price(bulkLength)
	w.op(opI64Add)
	w.opU32(opGlobalSet, w.p.state)
	w.trapBeyond()

	w.op(opLoop, 0x40)
	w.get(bulkLength)
	w.opSigned(opI32Const, bulkPiece)
	w.get(bulkLength)
	w.opSigned(opI32Const, bulkPiece)
	w.op(opI32LtU, opSelect)
	w.opLocal(opLocalSet, w.piece)
	w.load()
	w.price(w.first + uint32(w.piece))
	w.op(opI64Sub)
	w.store(false)
	w.orYield()
	if w.sub == miscMemoryCopy {
		// Ranges may overlap: what would be overwritten goes first.
		w.get(bulkFrom)
		w.get(bulkTo)
		w.op(opI32LtU, opIf, 0x40)
		w.lastPiece()
		w.op(opElse)
		w.nextPiece()
		w.op(opEnd)
	} else {
		w.nextPiece()
	}
	w.get(bulkLength)
	w.opLocal(opLocalGet, w.piece)
	w.op(opI32Sub)
	w.opU32(opLocalTee, bulkLength)
	w.opU32(opBrIf, 0)
	w.op(opEnd, opEnd)

	groups := appendU32(nil, uint32(len(w.added)))
	for _, v := range w.added {
		groups = append(groups, 1, byte(v))
	}
	return append(groups, w.out...)
}

// trapBeyond runs the instruction when it would trap, before any piece is written.
func (w *bulkWriter) trapBeyond() {
	memory := func(at uint32) {
		w.wide(at)
		w.wide(bulkLength)
		w.op(opI64Add, opMemorySize, 0, opI64ExtendU)
		w.opSigned(opI64Const, 16)
		w.op(opI64Shl, opI64GtU)
	}
	memory(bulkTo)
	switch w.sub {
	case miscMemoryCopy:
		memory(bulkFrom)
		w.op(opI32Or)
	case miscMemoryInit:
		w.wide(bulkFrom)
		w.wide(bulkLength)
		w.op(opI64Add)
		w.opSigned(opI64Const, 1<<32-1)
		w.op(opI64GtU, opI32Or)
	}
	w.op(opIf, 0x40)
	w.get(bulkTo)
	w.get(bulkFrom)
	w.get(bulkLength)
	w.run()
	w.op(opEnd)
	if w.sub == miscMemoryInit {
		// How long the segment is, only the engine knows: it may have been dropped. An
		// operation of no length traps when it begins beyond the end.
		w.opSigned(opI32Const, 0)
		w.get(bulkFrom)
		w.get(bulkLength)
		w.op(opI32Add)
		w.opSigned(opI32Const, 0)
		w.run()
	}
}

// nextPiece runs the instruction from the start of what is left.
func (w *bulkWriter) nextPiece() {
	w.get(bulkTo)
	w.get(bulkFrom)
	w.opLocal(opLocalGet, w.piece)
	w.run()
	moving := []uint32{bulkTo, bulkFrom}
	if w.sub == miscMemoryFill {
		moving = moving[:1] // the other one is the value
	}
	for _, at := range moving {
		w.get(at)
		w.opLocal(opLocalGet, w.piece)
		w.op(opI32Add)
		w.opU32(opLocalSet, at)
	}
}

// lastPiece runs the instruction for the end of what is left.
func (w *bulkWriter) lastPiece() {
	for _, at := range []uint32{bulkTo, bulkFrom} {
		w.get(at)
		w.get(bulkLength)
		w.op(opI32Add)
		w.opLocal(opLocalGet, w.piece)
		w.op(opI32Sub)
	}
	w.opLocal(opLocalGet, w.piece)
	w.run()
}

// run writes the instruction.
func (w *bulkWriter) run() {
	w.op(prefixMisc, byte(w.sub))
	switch w.sub {
	case miscMemoryInit:
		w.out = append(appendU32(w.out, w.segment), 0)
	case miscMemoryCopy:
		w.op(0, 0)
	default:
		w.op(0)
	}
}

func (w *bulkWriter) get(v uint32) { w.opU32(opLocalGet, v) }

func (w *bulkWriter) wide(v uint32) {
	w.get(v)
	w.op(opI64ExtendU)
}

// price turns a length into what payLength has taken for it off the state.
func (w *bulkWriter) price(v uint32) {
	w.get(v)
	w.scale(2, 0)
}
