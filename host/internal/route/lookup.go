package route

// Kind says how a Lookup ended.
type Kind uint8

// The kinds.
const (
	NotFound         Kind = iota // no route has the path
	Found                        // Result.Value is the route's
	MethodNotAllowed             // routes have the path, none the method
	Options                      // the same, of a request with method OPTIONS
	BadPath                      // Result.Err says why
)

// String returns the name of the constant.
func (k Kind) String() string {
	switch k {
	case Found:
		return "Found"
	case MethodNotAllowed:
		return "MethodNotAllowed"
	case Options:
		return "Options"
	case BadPath:
		return "BadPath"
	}
	return "NotFound"
}

// Result is the answer of a Lookup.
type Result[T any] struct {
	Kind  Kind
	Value T      // when Found
	Allow string // the Allow header, when MethodNotAllowed or Options
	Err   error  // ErrNoSlash, ErrEscape, ErrControl or ErrDots, when BadPath
}

// Lookup finds the route for a method and a raw path: percent-encoded, as the
// request line has it, without the query. It fills params, which must not be nil,
// and keeps neither of the slices.
func (t *Table[T]) Lookup(method []byte, path []byte, params *Params) Result[T] {
	if err := params.read(path, t.depth); err != nil {
		return Result[T]{Kind: BadPath, Err: err}
	}
	s := search[T]{params: params, method: parseMethod(method)}
	if route := s.walk(&t.root, 0); route != nil {
		params.names = route.pattern.names
		return Result[T]{Kind: Found, Value: route.value}
	}
	if s.passed == 0 {
		return Result[T]{Kind: NotFound}
	}
	kind := MethodNotAllowed
	if s.method == methodOptions {
		kind = Options
	}
	return Result[T]{Kind: kind, Allow: t.allow[s.passed.answerable()]}
}

// search is the state of one Lookup.
type search[T any] struct {
	params *Params
	method method
	passed methodSet // methods of routes that match the path but not the method
}

// walk returns the best route below n, whose children match segment number depth.
// Params.values then has one value more for each parameter on the way; it is as
// before when the result is nil.
//
// When nothing is found every match of the path has been seen, so that passed is
// complete.
func (s *search[T]) walk(n *node[T], depth int) *entry[T] {
	p := s.params
	if depth == p.count {
		return s.stop(n)
	}
	if depth == len(p.segments) { // the path is longer than any pattern
		return nil
	}
	at := p.segments[depth]
	text := p.path[at.start:at.end]
	if child := n.static[string(text)]; child != nil {
		if route := s.walk(child, depth+1); route != nil {
			return route
		}
	}
	if len(text) > 0 { // {name} and {name:regex} never match an empty segment
		before := len(p.values)
		p.values = append(p.values, at)
		for i := range n.regexes {
			if c := &n.regexes[i]; c.regex.Match(text) {
				if route := s.walk(c.node, depth+1); route != nil {
					return route
				}
			}
		}
		if n.param != nil {
			if route := s.walk(n.param, depth+1); route != nil {
				return route
			}
		}
		p.values = p.values[:before]
	}
	if n.rest != nil {
		if route := s.stop(n.rest); route != nil {
			p.values = append(p.values, span{at.start, len(p.path)})
			return route
		}
	}
	return nil
}

// stop returns the route of n for the method, or notes which methods n has.
func (s *search[T]) stop(n *node[T]) *entry[T] {
	if n.end == nil {
		return nil
	}
	route := n.end.serving(s.method)
	if route == nil {
		s.passed |= n.end.set
	}
	return route
}
