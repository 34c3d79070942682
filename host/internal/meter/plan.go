package meter

// plan decides, for every function, what it pays for and where. It goes from
// callees to callers.
//
// What a function costs is the weight of its longest path that repeats nothing,
// with what its callees cost. Small functions are free: their callers pay for
// them. A function above Options.Free pays its cost at its entry, and costs its
// callers no more than the call. So does a function that cuts a cycle; a call
// through a type that cuts one pays before it. Loops pay for each repetition.
// Everything that runs is paid for, and the checks that come with the payments
// are never far from each other:
//
//   - inside a function, no path without a payment weighs more than Options.Span
//     and one callee;
//   - down the call graph, every path comes to a payment before it has called
//     more than Options.Free;
//   - up again, a recursion of n levels may leave n functions without a payment.
//     What they still have to do counts as native stack, a quarter byte each, so
//     that the stack limit bounds it too; functions that have much to do pay
//     after each call instead.
type plan struct {
	m     *module
	o     Options
	g     *graph
	facts []facts
	nodes []node
	types []funcType // those of the module, and what the rewrite needs
	added map[string]uint32

	yield uint32 // its function index in the new module
	state uint32 // its global index
	slow  []slowEntry
}

// node is what is known of a function or a type.
type node struct {
	decision
	cost    int64 // for callers; 0 for a function that pays itself
	touches bool  // running it may change the fuel
	height  int64 // most bytes of stack, itself and what it calls in its cycle, not counted elsewhere
	reach   int64 // the same, over all that it calls
	tail    int64 // most weight from the last check in it to its return
}

// decision is how one function is rewritten.
type decision struct {
	pays    int64 // at its entry, 0: nothing
	local   bool  // it keeps the fuel in a local variable
	after   after // which calls it pays after
	counted int64 // bytes of stack counted at its entry; it pays then
}

type after uint8

const (
	afterNone  after = iota
	afterCycle       // calls in its own cycle
	afterAll
)

func (p *plan) decide() error {
	for _, n := range p.g.order {
		if p.g.cut[n] {
			p.nodes[n].touches = true
		}
	}
	for _, n := range p.g.order {
		if int(n) >= p.g.funcs {
			p.decideType(n)
		} else if int(n) >= p.m.importedFuncs {
			if err := p.decideFunc(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// decideType gives a type the worst of its functions.
func (p *plan) decideType(n int32) {
	t := &p.nodes[n]
	if p.g.hosts[n] {
		t.cost, t.touches = weightHost, true
	}
	for _, to := range p.g.edges[n] {
		c := &p.nodes[to]
		t.cost = max(t.cost, c.cost)
		t.touches = t.touches || c.touches
		t.height = max(t.height, c.height)
		t.reach = max(t.reach, c.reach)
		t.tail = max(t.tail, c.tail)
	}
}

func (p *plan) decideFunc(n int32) error {
	f := &p.facts[n]
	self := &p.nodes[n]
	self.local = f.tight(p.callTouches)
	code, err := p.translate(int(n))
	if err != nil {
		return err
	}
	var height, reach, tail int64
	for _, to := range p.g.edges[n] {
		same := p.g.scc[to] == p.g.scc[n]
		if same && p.g.cut[to] {
			continue
		}
		c := &p.nodes[to]
		reach, tail = max(reach, c.reach), max(tail, c.tail)
		if same {
			height = max(height, c.height)
		}
	}
	inCycle := p.g.cycle[n]
	rest := int64(0)
	if inCycle && code.leastAfterCall >= 0 {
		if rest = code.most - code.leastAfterCall; rest > p.o.bounds.rest {
			rest, self.after = 0, afterCycle
		}
	}
	if self.tail = code.most + tail; self.tail > p.o.bounds.tail {
		self.tail, self.after = code.most, afterAll
	}
	if self.after != afterNone {
		if code, err = p.translate(int(n)); err != nil {
			return err
		}
	}
	frame := max(f.frame, rest/restShare)
	self.height, self.reach = frame+height, frame+reach
	// A function that is tail called counts for itself: its caller has given back
	// what it counted, for both.
	if inCycle && (p.g.cut[n] || p.g.tailed[n] || self.height > p.o.bounds.height) {
		self.counted, self.height, self.reach = self.height, 0, reach
	}
	if self.reach > p.o.bounds.reach {
		self.counted, self.height, self.reach = self.counted+self.reach, 0, 0
	}
	if !inCycle {
		self.height = 0
	}
	if self.cost = max(code.entry, 1); p.g.cut[n] || self.counted > 0 || self.cost > int64(p.o.Free) {
		self.pays, self.cost = self.cost, 0
	}
	self.touches = self.touches || code.touches || self.pays > 0
	return nil
}

// callTouches reports whether a call may change the fuel, or needs it up to date.
func (p *plan) callTouches(c call) bool {
	n := p.g.node(c)
	return int(n) < p.m.importedFuncs || p.nodes[n].touches
}

// typeIndex returns the index of a type in the new module.
func (p *plan) typeIndex(t funcType) uint32 {
	key := t.key()
	index, ok := p.added[key]
	if !ok {
		index = uint32(len(p.types))
		p.types = append(p.types, t)
		p.added[key] = index
	}
	return index
}

// newIndex maps a function's index to the one in the new module: the yield
// function comes after the other imports.
func (p *plan) newIndex(fn uint32) uint32 {
	if int(fn) < p.m.importedFuncs {
		return fn
	}
	return fn + 1
}
