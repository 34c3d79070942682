package meter

// The slow path of a loop, which is taken when the fuel is used up. Its call of
// yield stands outside of the loop: inside, the engine would keep the loop's
// variables in memory for the sake of the call. So each loop that repeats has
// another one around it.
//
// A function that keeps the state in a local variable has loops without calls, in
// registers. There the outer loop checks at its start:
//
//	loop $outer
//	  (yield, if the fuel is used up)
//	  loop $inner
//	    …  (pay; br $inner if there is fuel, else br $outer)
//	  end
//	end
//
// Entering such a loop costs a comparison. A loop with calls in it has its
// variables in memory anyhow, so there the slow path may come at the end:
//
//	block $exit
//	  loop $outer
//	    block $slow
//	      loop $inner
//	        …  (pay; br $inner if there is fuel, else br $slow)
//	      end
//	      br $exit
//	    end
//	    (yield)
//	    br $outer
//	  end
//	end
//
// Loops whose branches carry values have neither; they yield inside.

// openSlow writes what comes before a loop, and notes the label of its slow path.
func (t *translator) openSlow(f *frame, in *instr) {
	if t.local {
		t.copy(in)
		f.outer = t.depth
		t.depth++
		t.check()
		return
	}
	t.op(opBlock)
	t.out = append(t.out, t.m.wasm[in.imm:in.end]...) // with the loop's results
	t.copy(in)
	t.op(opBlock, 0x40)
	f.outer = t.depth + 2
	t.depth += 3
}

// closeSlow writes what comes after.
func (t *translator) closeSlow() {
	if t.local {
		t.op(opEnd)
		t.depth--
		return
	}
	t.opU32(opBr, 2)
	t.op(opEnd)
	t.yield()
	t.opU32(opBr, 0)
	t.op(opEnd, opEnd)
	t.depth -= 3
}
