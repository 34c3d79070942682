package meter

import "slices"

// cutRounds is how often cutCycles looks for the best nodes before it takes the
// next best way, which is linear. Modules with many nested cycles are rare.
const cutRounds = 48

// cutCycles chooses nodes so that every cycle of the call graph has one. A check
// at these few does what a check at every function in a cycle would do. The best
// nodes are those with many callers and callees: in a Go program, all functions
// are in one cycle through the growing of stacks, and a few cuts in the runtime
// free nearly all others.
func (g *graph) cutCycles() {
	n := len(g.edges)
	in, out := make([]int64, n), make([]int64, n)
	for round := 0; ; round++ {
		scc, cycle := components(g.edges, g.cut)
		if !slices.Contains(cycle, true) {
			return
		}
		if round == cutRounds {
			g.cutBackward(cycle)
			return
		}
		clear(in)
		clear(out)
		members := map[int32][]int32{}
		var ids []int32
		for v, edges := range g.edges {
			if !cycle[v] || g.cut[v] {
				continue
			}
			if members[scc[v]] == nil {
				ids = append(ids, scc[v])
			}
			members[scc[v]] = append(members[scc[v]], int32(v))
			for _, to := range edges {
				if !g.cut[to] && scc[to] == scc[v] {
					out[v]++
					in[to]++
				}
			}
		}
		for _, id := range ids {
			g.cutBest(members[id], in, out)
		}
	}
}

// cutBest cuts the best hundredth of a component, one node at least.
func (g *graph) cutBest(nodes []int32, in, out []int64) {
	slices.SortFunc(nodes, func(a, b int32) int {
		if d := in[b]*out[b] - in[a]*out[a]; d != 0 {
			return int(min(max(d, -1), 1))
		}
		return int(a - b)
	})
	for _, v := range nodes[:1+len(nodes)/100] {
		g.cut[v] = true
	}
}

// cutBackward cuts every node that a depth first search comes back to.
func (g *graph) cutBackward(cycle []bool) {
	const (
		fresh = iota
		active
		done
	)
	state := make([]byte, len(g.edges))
	type visit struct{ node, next int32 }
	var stack []visit
	for root := range int32(len(g.edges)) {
		if !cycle[root] || g.cut[root] || state[root] != fresh {
			continue
		}
		state[root] = active
		stack = append(stack[:0], visit{root, 0})
		for len(stack) > 0 {
			v := &stack[len(stack)-1]
			if int(v.next) == len(g.edges[v.node]) {
				state[v.node] = done
				stack = stack[:len(stack)-1]
				continue
			}
			to := g.edges[v.node][v.next]
			v.next++
			switch {
			case g.cut[to] || !cycle[to]:
			case state[to] == active:
				g.cut[to] = true
			case state[to] == fresh:
				state[to] = active
				stack = append(stack, visit{to, 0})
			}
		}
	}
}
