package config

// A node is where one table, array or value stands in the text. The nodes form
// a tree of the same shape as the decoded values, because the library gives no
// line for values inside [[arrays]] and for keys it was not asked about.
type node struct {
	line    int
	keys    map[string]*node // of a table
	elems   []*node          // of an array, [[…]] or […]
	defined bool             // by a header or an assignment, not only on the way to another key
	bad     bool             // an error was reported here
}

// child returns the node of key, made at line if it is new.
func (n *node) child(key string, line int) (c *node, isNew bool) {
	if c := n.keys[key]; c != nil {
		return c, false
	}
	if n.keys == nil {
		n.keys = map[string]*node{}
	}
	c = &node{line: line}
	n.keys[key] = c
	return c, true
}

// current returns what keys under n go to: the last element of an array of
// tables, else n itself.
func (n *node) current() *node {
	if len(n.elems) > 0 {
		return n.elems[len(n.elems)-1]
	}
	return n
}

// lines returns what later stages need to know of a section.
func (n *node) lines() Lines {
	l := Lines{Header: n.line, Keys: make(map[string]int, len(n.keys))}
	for key, c := range n.keys {
		l.Keys[key] = c.line
	}
	return l
}

// fileLines returns the lines of all keys but those of plugins, services and
// routes, which carry their own.
func fileLines(root *node) Lines {
	l := Lines{Keys: map[string]int{}}
	for name, c := range root.keys {
		switch name {
		case "plugin", "service", "route":
			continue
		}
		l.Keys[name] = c.line
		for key, cc := range c.keys {
			l.Keys[name+"."+key] = cc.line
		}
	}
	return l
}
