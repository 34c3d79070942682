package meter

// components finds the strongly connected components of a graph, and for each
// node whether its component has a cycle. Nodes in skip, and edges to and from
// them, do not count. Components are numbered so that an edge never goes to a
// higher number. This is Tarjan's algorithm with its own stack: a call graph can
// be a million functions deep.
func components(edges [][]int32, skip []bool) (scc []int32, cycle []bool) {
	n := len(edges)
	scc, cycle = make([]int32, n), make([]bool, n)
	index := make([]int32, n) // 0: not visited
	low := make([]int32, n)
	var counter, count int32
	type visit struct{ node, next int32 }
	var visits []visit
	var open []int32 // visited, component not known
	skipped := func(v int32) bool { return skip != nil && skip[v] }
	enter := func(v int32) {
		counter++
		index[v], low[v] = counter, counter
		scc[v] = -1
		open = append(open, v)
		visits = append(visits, visit{v, 0})
	}
	for root := range int32(n) {
		if index[root] != 0 || skipped(root) {
			continue
		}
		enter(root)
		for len(visits) > 0 {
			v := &visits[len(visits)-1]
			if int(v.next) < len(edges[v.node]) {
				to := edges[v.node][v.next]
				v.next++
				switch {
				case skipped(to):
				case index[to] == 0:
					enter(to)
				case scc[to] < 0: // still open
					low[v.node] = min(low[v.node], index[to])
					if to == v.node {
						cycle[to] = true
					}
				}
				continue
			}
			node := v.node
			visits = visits[:len(visits)-1]
			if len(visits) > 0 {
				parent := visits[len(visits)-1].node
				low[parent] = min(low[parent], low[node])
			}
			if low[node] != index[node] {
				continue
			}
			single := open[len(open)-1] == node
			for {
				last := open[len(open)-1]
				open = open[:len(open)-1]
				scc[last] = count
				cycle[last] = cycle[last] || !single
				if last == node {
					break
				}
			}
			count++
		}
	}
	return scc, cycle
}
