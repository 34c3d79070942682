package meter

// walker follows the nesting of blocks through a function, and what is reachable.
//
// It also sees through the loops that Go's compiler makes. Go has jumps, and
// WebAssembly has none, so each function is one loop around a nest of blocks that
// starts with a br_table; a jump sets a local variable and goes round the loop:
//
//	loop
//	  block block block
//	    local.get $pc
//	    br_table 0 1 2
//	  end   ;; the code of target 0
//	    i32.const 2
//	    local.set $pc
//	    br …  ;; the loop, and from there to target 2
//	  end   ;; the code of target 1
//	  end   ;; the code of target 2
//
// Most such jumps go forward in the code. They repeat nothing, need no charge, and
// a branch to the end of the target's block does the same without the detour.
type walker struct {
	frames []frame
	dead   bool    // what follows cannot be reached
	open   []int   // by frame id: where in frames, or -1 once it has ended
	marks  []int64 // by frame id: what the caller noted at its end

	prefix      int // the loop whose code so far is only blocks, or -1
	prefixGet   int64
	prev, prev2 step
}

// step is what a jump is recognised by.
type step struct {
	op byte
	a  uint32
	n  int64
}

// frame is an open block, or the function itself, the first.
type frame struct {
	op    byte // opBlock, opLoop, opIf, opElse; 0 for the function
	id    int
	block blockType
	dead  bool // it began in unreachable code
	table *dispatch

	loop    int   // of a loop: its number in the function
	phi     int64 // of a loop: at its start; of an if: at its condition
	label   int64 // the most at any branch to its end; -1 without
	out     int   // the label's place in the new code
	outer   int   // of a wrapped loop: the label that goes over the slow path
	wrapped bool
}

// dispatch is the br_table at the start of a loop.
type dispatch struct {
	local   uint32
	targets []int // frame ids; the last is the default
}

func newWalker(results int) *walker {
	w := &walker{prefix: -1, prefixGet: -1}
	w.push(frame{block: blockType{results: results}})
	return w
}

func (w *walker) push(f frame) *frame {
	f.id, f.dead, f.label = len(w.open), w.dead, -1
	w.open = append(w.open, len(w.frames))
	w.marks = append(w.marks, 0)
	w.frames = append(w.frames, f)
	return &w.frames[len(w.frames)-1]
}

// target returns the frame that a label names, or nil.
func (w *walker) target(label uint32) *frame {
	if int64(label) >= int64(len(w.frames)) {
		return nil
	}
	return &w.frames[len(w.frames)-1-int(label)]
}

// top is the innermost frame.
func (w *walker) top() *frame { return &w.frames[len(w.frames)-1] }

// backward reports whether a branch to f repeats code.
func (f *frame) backward() bool { return f.op == opLoop }

// carries is how many values a branch to f takes along.
func (f *frame) carries() int {
	if f.op == opLoop {
		return f.block.params
	}
	return f.block.results
}

// jump returns the frame id that a br to the loop f goes on to, when the code
// before it tells.
func (w *walker) jump(f *frame) (id int, known bool) {
	if f.table == nil || w.prev.op != opLocalSet || w.prev.a != f.table.local || w.prev2.op != opI32Const {
		return 0, false
	}
	n := int64(uint32(w.prev2.n))
	return f.table.targets[min(n, int64(len(f.table.targets)-1))], true
}

// after goes past an instruction. It reports whether the function has ended. For
// an end, the caller has noted its mark with closing before.
func (w *walker) after(in *instr) (ended bool, err error) {
	w.follow(in)
	switch in.op {
	case opBlock, opIf:
		w.push(frame{op: in.op, block: in.block})
	case opLoop:
		w.push(frame{op: opLoop, block: in.block})
	case opElse:
		f := w.top()
		if f.op != opIf {
			return false, malformed(in.at, "else outside of an if")
		}
		f.op, w.dead = opElse, f.dead
	case opEnd:
		f := w.top()
		w.open[f.id] = -1
		w.dead = f.dead
		w.frames = w.frames[:len(w.frames)-1]
		ended = len(w.frames) == 0
	case opUnreachable, opReturn, opReturnCall, opReturnCallInd, opBr, opBrTable:
		w.dead = true
	}
	w.prev2, w.prev = w.prev, step{in.op, in.a, in.n}
	return ended, nil
}

// follow recognises the start of a dispatch loop.
func (w *walker) follow(in *instr) {
	switch {
	case in.op == opLoop && in.block.params == 0 && !w.dead:
		w.prefix, w.prefixGet = len(w.frames), -1
	case w.prefix < 0:
	case in.op == opBlock && in.block.params == 0 && w.prefixGet < 0:
	case in.op == opLocalGet && w.prefixGet < 0:
		w.prefixGet = int64(in.a)
	case in.op == opBrTable && w.prefixGet >= 0:
		t := &dispatch{local: uint32(w.prefixGet)}
		for _, label := range append(in.targets, in.a) {
			f := w.target(label)
			if f == nil || f.backward() || f.id < w.frames[w.prefix].id {
				t = nil
				break
			}
			t.targets = append(t.targets, f.id)
		}
		w.frames[w.prefix].table = t
		w.prefix = -1
	default:
		w.prefix = -1
	}
}
