package meter

// constExpr is a constant expression. Its only part that a rewrite changes is the
// function a ref.func names, so it is kept as bytes with the places of those.
type constExpr struct {
	code    []byte
	refs    []constRef
	globals uint32 // one more than the highest global it names
}

// constRef is a function index in an expression: code[from:to].
type constRef struct {
	from, to int
	fn       uint32
}

// appendTo encodes the expression with new function indexes.
func (e constExpr) appendTo(b []byte, index func(uint32) uint32) []byte {
	done := 0
	for _, r := range e.refs {
		b = append(b, e.code[done:r.from]...)
		b = appendU32(b, index(r.fn))
		done = r.to
	}
	return append(b, e.code[done:]...)
}

// readConstExpr reads up to and with the end of an expression.
func readConstExpr(r *reader) constExpr {
	var e constExpr
	start := r.at
	for r.err == nil {
		at := r.at
		switch op := r.byte(); op {
		case 0x0b: // end
			e.code = r.b[start:r.at]
			return e
		case 0x41: // i32.const
			r.signed(32)
		case 0x42: // i64.const
			r.signed(64)
		case 0x43: // f32.const
			r.bytes(4)
		case 0x44: // f64.const
			r.bytes(8)
		case opGlobalGet:
			e.globals = max(e.globals, min(r.u32(), 1<<31)+1)
		case 0xd0: // ref.null
			r.refType()
		case 0xd2: // ref.func
			from := r.at
			fn := r.u32()
			e.refs = append(e.refs, constRef{from - start, r.at - start, fn})
		case 0xfd:
			if sub := r.byte(); sub != 0x0c { // v128.const, in its only encoding
				r.stop(malformed(at, "instruction 0xfd %#x in a constant expression", sub))
			}
			r.bytes(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul
		default:
			r.stop(malformed(at, "instruction %#x in a constant expression", op))
		}
	}
	return e
}

// constant returns the value of an expression that is a plain i32.const.
func (e constExpr) constant() (uint32, bool) {
	if len(e.code) < 3 || e.code[0] != 0x41 {
		return 0, false
	}
	r := reader{b: e.code, at: 1, end: len(e.code)}
	v := r.signed(32)
	if r.err != nil || r.left() != 1 {
		return 0, false
	}
	return uint32(v), true
}
