package meter

// graph is the call graph. Its nodes are the functions and, behind them, one node
// for each type that an indirect call names: a call through a table goes to the
// type, and from there to every function of the type whose address is taken.
// Imported functions call nothing.
type graph struct {
	funcs int
	edges [][]int32 // sorted out of duplicates
	hosts []bool    // by node: a type that an imported function has, with its address taken
	kinds []int32   // by type index: its node, or -1 when nothing calls through it

	scc    []int32 // by node: its component; callees have lower numbers than callers
	cycle  []bool  // by node: its component has a cycle
	tailed []bool  // by node: a tail call in its own cycle goes to it
	cut    []bool  // by node: calls to it are checked, so no cycle avoids all cuts
	order  []int32 // callees before callers, but for calls to cut nodes
}

func newGraph(m *module, all []facts, taken []bool) *graph {
	g := &graph{funcs: len(m.funcs), kinds: make([]int32, len(m.types))}
	g.edges = make([][]int32, len(m.funcs))
	for i := range g.kinds {
		g.kinds[i] = -1
	}
	byKey := map[string]int32{}
	node := func(typ uint32) int32 {
		if g.kinds[typ] < 0 {
			key := m.types[typ].key()
			n, ok := byKey[key]
			if !ok {
				n = int32(len(g.edges))
				byKey[key] = n
				g.edges = append(g.edges, nil)
			}
			g.kinds[typ] = n
		}
		return g.kinds[typ]
	}
	seen := map[int32]int{} // callee: the last caller that it was noted for, plus one
	for fn, f := range all {
		for _, c := range f.calls {
			to := int32(c.a)
			if c.kind == opCallIndirect || c.kind == opReturnCallInd {
				to = node(c.a)
			} else if int(to) < m.importedFuncs {
				continue
			}
			if seen[to] != fn+1 {
				seen[to] = fn + 1
				g.edges[fn] = append(g.edges[fn], to)
			}
		}
	}
	g.hosts = make([]bool, len(g.edges))
	for fn := range m.funcs {
		n, ok := byKey[m.typeOf(uint32(fn)).key()]
		switch {
		case !ok || !taken[fn]:
		case fn < m.importedFuncs:
			g.hosts[n] = true
		default:
			g.edges[n] = append(g.edges[n], int32(fn))
		}
	}
	g.cut = make([]bool, len(g.edges))
	g.scc, g.cycle = components(g.edges, nil)
	g.findTailed(all)
	g.cutCycles()
	g.sort()
	return g
}

// findTailed fills tailed; a tail call to a type goes to all its functions.
func (g *graph) findTailed(all []facts) {
	g.tailed = make([]bool, len(g.edges))
	for fn, f := range all {
		for _, c := range f.calls {
			if c.kind != opReturnCall && c.kind != opReturnCallInd {
				continue
			}
			if n := g.node(c); g.cycle[n] && g.scc[n] == g.scc[fn] {
				g.tailed[n] = true
			}
		}
	}
	for n := g.funcs; n < len(g.edges); n++ {
		if g.tailed[n] {
			for _, to := range g.edges[n] {
				g.tailed[to] = true
			}
		}
	}
}

// node returns the node that a call goes to.
func (g *graph) node(c call) int32 {
	if c.kind == opCallIndirect || c.kind == opReturnCallInd {
		return g.kinds[c.a]
	}
	return int32(c.a)
}

// sort fills order: by component, and in each by depth first search over the
// calls that are not cut.
func (g *graph) sort() {
	g.order = make([]int32, 0, len(g.edges))
	done := make([]bool, len(g.edges))
	type visit struct{ node, next int32 }
	var stack []visit
	for root := range g.edges {
		if done[root] {
			continue
		}
		done[root] = true
		stack = append(stack[:0], visit{int32(root), 0})
		for len(stack) > 0 {
			v := &stack[len(stack)-1]
			if int(v.next) == len(g.edges[v.node]) {
				g.order = append(g.order, v.node)
				stack = stack[:len(stack)-1]
				continue
			}
			to := g.edges[v.node][v.next]
			v.next++
			if done[to] || g.cut[to] && g.scc[to] == g.scc[v.node] {
				continue
			}
			done[to] = true
			stack = append(stack, visit{to, 0})
		}
	}
}
