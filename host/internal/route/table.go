package route

import (
	"errors"
	"fmt"
	"regexp"
)

// Table maps methods and patterns to values. Build it with New and Add; after
// that any number of goroutines may call Lookup at once. Add must not run beside
// Lookup.
type Table[T any] struct {
	root  node[T]
	depth int // segments of the longest pattern
	allow *[allMethods + 1]string
}

// node is a place in the tree: what stands before it is matched. Each kind of
// segment leads to nodes of its own, so a node has one parent.
type node[T any] struct {
	static  map[string]*node[T] // by decoded text
	regexes []regexChild[T]     // in the order of declaration
	param   *node[T]
	rest    *node[T] // has no children
	end     *end[T]  // the routes whose pattern ends here; nil when there are none
}

type regexChild[T any] struct {
	source string
	regex  *regexp.Regexp
	node   *node[T]
}

// end holds the routes of one pattern, which differ in their methods.
type end[T any] struct {
	routes [methodCount]*entry[T]
	any    *entry[T]
	set    methodSet // those that routes has
}

type entry[T any] struct {
	pattern Pattern
	value   T
}

// New returns an empty table.
func New[T any]() *Table[T] { return &Table[T]{allow: allowHeaders()} }

// Conflict is the error of Add when nothing tells the new route from another one:
// the same pattern but for the names of its parameters, and a method in common.
type Conflict[T any] struct {
	Pattern      Pattern // of the route that was refused
	Other        T       // the value of the route that is in the table
	OtherPattern Pattern // and its pattern
	Method       string  // one that both have; "" when both serve any method
}

// Error names both patterns and the method.
func (c *Conflict[T]) Error() string {
	method := c.Method
	if method == "" {
		method = "any method"
	}
	return fmt.Sprintf("%s and %s both serve %s and nothing tells them apart; change the path or the method of one, or remove it",
		quote(c.OtherPattern.source), quote(c.Pattern.source), method)
}

// Add adds a route. No methods means any method. The error is a *Conflict[T], or
// says that a method is unknown; the table is then as it was.
func (t *Table[T]) Add(methods []string, p Pattern, value T) error {
	set, err := parseMethods(methods)
	if err != nil {
		return err
	}
	if len(p.segments) == 0 {
		return errors.New("the pattern is empty; ParsePattern makes one")
	}
	n := &t.root
	for _, s := range p.segments {
		n = n.child(s)
	}
	// A conflict is with a route of the same pattern. The nodes were all there
	// then, so returning early leaves nothing behind.
	if n.end == nil {
		n.end = new(end[T])
	}
	if other, method := n.end.overlap(set); other != nil {
		return &Conflict[T]{Pattern: p, Other: other.value, OtherPattern: other.pattern, Method: method}
	}
	n.end.add(set, &entry[T]{p, value})
	t.depth = max(t.depth, len(p.segments))
	return nil
}

// child returns the node that s leads to, which it makes when there is none.
func (n *node[T]) child(s segment) *node[T] {
	switch s.kind {
	case kindStatic:
		if n.static == nil {
			n.static = make(map[string]*node[T])
		}
		if n.static[s.text] == nil {
			n.static[s.text] = new(node[T])
		}
		return n.static[s.text]
	case kindRegex:
		for _, c := range n.regexes {
			if c.source == s.text {
				return c.node
			}
		}
		c := regexChild[T]{s.text, s.regex, new(node[T])}
		n.regexes = append(n.regexes, c)
		return c.node
	case kindParam:
		if n.param == nil {
			n.param = new(node[T])
		}
		return n.param
	default:
		if n.rest == nil {
			n.rest = new(node[T])
		}
		return n.rest
	}
}

// overlap returns a route that has a method of set, and that method.
func (e *end[T]) overlap(set methodSet) (*entry[T], string) {
	if set == 0 {
		return e.any, ""
	}
	for m := range methodCount {
		if set.has(m) && e.routes[m] != nil {
			return e.routes[m], m.String()
		}
	}
	return nil, ""
}

func (e *end[T]) add(set methodSet, route *entry[T]) {
	if set == 0 {
		e.any = route
	}
	for m := range methodCount {
		if set.has(m) {
			e.routes[m] = route
		}
	}
	e.set |= set
}

// serving returns the route for a request with that method, or nil.
func (e *end[T]) serving(m method) *entry[T] {
	if m < methodCount && e.routes[m] != nil {
		return e.routes[m]
	}
	if m == methodHead && e.routes[methodGet] != nil {
		return e.routes[methodGet]
	}
	return e.any
}
