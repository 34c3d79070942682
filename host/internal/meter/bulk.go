package meter

// Operations on ranges of memory and tables. Each pays for its length before it
// runs. One on memory runs whole if the fuel at hand pays for all of it; if not, a
// helper does it in pieces and pays for each, so that no guest goes on for longer
// than its fuel lasts because it fills a gigabyte with one instruction.

// bulkPiece is how many bytes a helper writes between two payments.
const bulkPiece = 1 << 16

// bulkShort is up to which length, when it is a constant, an operation is paid for
// like other code.
const bulkShort = 1 << 10

// bulkOp is an operation on memory that has a helper. segment is that of
// memory.init, else 0.
type bulkOp struct{ sub, segment uint32 }

// noteBulk gives an operation a helper, unless it cannot be long.
func (m *module) noteBulk(op bulkOp) {
	if op.sub == miscMemoryInit && !m.longSegment(op.segment) || m.bulkIndex(op) >= 0 {
		return
	}
	m.bulk = append(m.bulk, op)
}

// longSegment reports whether a data segment is longer than a piece.
func (m *module) longSegment(n uint32) bool {
	return int64(n) < int64(len(m.data)) && len(m.data[n].content) > bulkPiece
}

func (m *module) bulkIndex(op bulkOp) int {
	for i, have := range m.bulk {
		if have == op {
			return i
		}
	}
	return -1
}

// bulk writes an instruction with prefixMisc.
func (t *translator) bulk(in *instr) {
	if t.w.dead || in.sub < miscMemoryInit || in.sub == miscDataDrop || in.sub == miscElemDrop || in.sub == miscTableSize {
		t.copy(in)
		return
	}
	memory := in.sub <= miscMemoryFill
	if n := t.w.prev.n; t.w.prev.op == opI32Const && 0 <= n && n <= bulkShort {
		if memory {
			t.phi += n / 4
		} else {
			t.phi += n * 2
		}
		t.copy(in)
		return
	}
	t.res.touches = true
	if !memory {
		t.payLength(0, 1) // an entry weighs two
		t.orYield()
		t.opLocal(opLocalGet, t.length)
		t.copy(in)
		return
	}
	t.payLength(2, 0) // four bytes weigh one
	op := bulkOp{sub: in.sub}
	if in.sub == miscMemoryInit {
		op.segment = in.a
	}
	i := t.m.bulkIndex(op)
	if i < 0 {
		t.orYield()
		t.opLocal(opLocalGet, t.length)
		t.copy(in)
		return
	}
	t.op(opIf)
	t.out = appendSigned(t.out, int64(t.p.typeIndex(funcType{params: []ValueType{I32, I32}})))
	t.opLocal(opLocalGet, t.length)
	t.copy(in)
	t.op(opElse)
	t.spill()
	t.opLocal(opLocalGet, t.length)
	t.opU32(opCall, t.p.bulkHelper(i))
	t.reload()
	t.op(opEnd)
}
