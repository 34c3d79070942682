package config

import (
	"slices"
	"strings"
)

// maxDepth is how many tables and arrays may be nested, a dotted key counting
// as one for each of its parts.
const maxDepth = 32

// A scanner finds the lines of a TOML text. It relies on the library for
// everything else: in valid text it finds each key that the library decodes, in
// any other it still ends, and what it found up to the error is right.
type scanner struct {
	text  string
	pos   int
	line  int
	depth int

	root  *node
	table *node    // of the last header
	path  []string // the name in it

	last  statement   // the last one begun
	twice []redefined // in the order of the text
	deep  int         // the line at which maxDepth was passed; scanning ended there
	open  int         // the line of the innermost thing not closed when the text ended
}

// A statement is a header or a key with its value.
type statement struct {
	line   int
	pos    int      // of its first byte
	key    []string // nil for a header
	header bool
}

// redefined is a table or key that stands in the text a second time.
type redefined struct {
	key         []string
	line, first int
	header      bool
}

// scan finds the lines of all keys in text, which has no byte order mark.
func scan(text string) *scanner {
	s := &scanner{text: text, line: 1, root: &node{}}
	s.table = s.root
	for {
		s.skip(" \t\r\n")
		switch s.peek() {
		case 0:
			if s.pos >= len(s.text) {
				return s
			}
		case '#':
		case '[':
			s.header()
		default:
			s.last = statement{line: s.line, pos: s.pos}
			s.assign(s.table, s.path)
		}
		s.restOfLine()
	}
}

// header reads "[a.b]" or "[[a.b]]".
func (s *scanner) header() {
	s.last = statement{line: s.line, pos: s.pos, header: true}
	s.next()
	array := s.peek() == '['
	if array {
		s.next()
	}
	name := s.dotted()
	if len(name) == 0 || s.tooDeep(len(name)) {
		return
	}
	parent := s.root
	for _, part := range name[:len(name)-1] {
		n, _ := parent.child(part, s.line)
		parent = n.current()
	}
	n, _ := parent.child(name[len(name)-1], s.line)
	switch {
	case n.defined && !(array && len(n.elems) > 0):
		s.twice = append(s.twice, redefined{key: name, line: s.line, first: n.line, header: true})
	case array:
		n.elems = append(n.elems, &node{line: s.line, defined: true})
	default:
		n.line = s.line
	}
	n.defined = true
	s.table, s.path = n.current(), name
}

// assign reads "a.b = value" into table, whose name is path.
func (s *scanner) assign(table *node, path []string) {
	line := s.line
	name := s.dotted()
	if len(name) == 0 || s.tooDeep(len(path)+len(name)) {
		return
	}
	full := append(slices.Clip(path), name...)
	if s.depth == 0 {
		s.last.key = full
	}
	for _, part := range name[:len(name)-1] {
		n, _ := table.child(part, line)
		table = n.current()
	}
	n, isNew := table.child(name[len(name)-1], line)
	if !isNew {
		s.twice = append(s.twice, redefined{key: full, line: line, first: n.line})
	}
	n.defined = true
	if s.peek() != '=' {
		return
	}
	s.next()
	s.value(n, full)
}

// value reads one value of any kind into n. path is the key it belongs to.
func (s *scanner) value(n *node, path []string) {
	s.skip(" \t")
	switch s.peek() {
	case '"', '\'':
		s.quoted()
	case '[':
		s.nested('[', ']', func() {
			e := &node{line: s.line, defined: true}
			n.elems = append(n.elems, e)
			s.value(e, path)
		})
	case '{':
		s.nested('{', '}', func() { s.assign(n, path) })
	default:
		for s.pos < len(s.text) && strings.IndexByte(",]}#\r\n", s.peek()) < 0 {
			s.next()
		}
	}
}

// nested reads a list between begin and end, each item by item.
func (s *scanner) nested(begin, end byte, item func()) {
	if s.tooDeep(s.depth + 1) {
		return
	}
	line := s.line
	s.depth++
	defer func() { s.depth-- }()
	for s.next(); ; {
		s.skip(" \t\r\n,")
		before := s.pos
		switch s.peek() {
		case end:
			s.next()
			return
		case '#':
			s.restOfLine()
		default:
			item()
		}
		if s.pos >= len(s.text) {
			if s.open == 0 && s.deep == 0 {
				s.open = line
			}
			return
		}
		if s.pos == before { // not TOML
			s.next()
		}
	}
}

// quoted reads a string of any of the four kinds.
func (s *scanner) quoted() {
	line, quote := s.line, s.peek()
	long := strings.Repeat(string(rune(quote)), 3)
	multi := strings.HasPrefix(s.text[s.pos:], long)
	if multi {
		s.pos += 2
	}
	for s.next(); s.pos < len(s.text); s.next() {
		switch c := s.peek(); {
		case c == '\\' && quote == '"':
			s.next()
		case c == '\n' && !multi: // not TOML
			return
		case c == quote && !multi:
			s.next()
			return
		case c == quote && strings.HasPrefix(s.text[s.pos:], long):
			// Up to two quotes may stand before the closing three.
			if s.pos += 3; s.peek() != quote {
				return
			}
			s.pos -= 3
		}
	}
	if s.open == 0 {
		s.open = line
	}
}

// tooDeep ends the scan when depth is past the limit.
func (s *scanner) tooDeep(depth int) bool {
	if depth <= maxDepth {
		return false
	}
	s.deep, s.pos = s.line, len(s.text)
	return true
}

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) next() {
	if s.peek() == '\n' {
		s.line++
	}
	s.pos = min(s.pos+1, len(s.text))
}

func (s *scanner) skip(set string) {
	for s.pos < len(s.text) && strings.IndexByte(set, s.text[s.pos]) >= 0 {
		s.next()
	}
}

func (s *scanner) restOfLine() {
	for s.pos < len(s.text) && s.text[s.pos] != '\n' {
		s.next()
	}
}
