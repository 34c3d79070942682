package config

import (
	"cmp"
	"maps"
	"slices"

	"github.com/BurntSushi/toml"
)

// A place is one key of the file: where errors about its value belong.
type place struct {
	c    *Config
	errs *Errors
	key  toml.Key
	node *node
	own  bool // node is that of the key, not of a table around it
}

// in returns the place of a key of this table. When the file does not set it,
// errors get the line of the table.
func (p place) in(key string) place {
	p.key = append(slices.Clip(p.key), key)
	if n := p.node.keys[key]; p.own && n != nil {
		p.node = n
	} else {
		p.own = false
	}
	return p
}

// elem returns the place of the i-th table of this array of tables.
func (p place) elem(i int) place {
	if i < len(p.node.elems) {
		p.node = p.node.elems[i]
	}
	return p
}

// set reports whether the file sets the key, to a valid value so far.
func (p place) set() bool { return p.own && !p.node.bad }

// broken reports whether an error about the key's own value was reported.
func (p place) broken() bool { return p.own && p.node.bad }

// fail reports an error about the value of the key.
func (p place) fail(format string, args ...any) {
	if p.own {
		p.node.bad = true
	}
	*p.errs = append(*p.errs, p.c.Error(p.node.line, p.key.String(), format, args...))
}

// inOrder returns the keys of the table in the order of their lines, and those
// on one line in the order of the alphabet.
func (p place) inOrder(values map[string]any) []string {
	names := slices.Sorted(maps.Keys(values))
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(p.in(a).node.line, p.in(b).node.line)
	})
	return names
}
