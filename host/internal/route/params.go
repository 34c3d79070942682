package route

import (
	"bytes"
	"slices"
)

// Params receives what a Lookup reads from a path: the decoded path and the
// parameters of the route that was found. Its zero value is ready for use. Keep
// it and hand it to the next Lookup: once its buffers have grown, nothing is
// allocated. It serves one Lookup at a time.
//
// Every byte slice it returns points into it and lives until the next Lookup
// with the same Params; copy what has to last longer.
type Params struct {
	path     []byte   // decoded; the slashes between segments are in it
	segments []span   // the first ones, no more than the table can tell apart
	count    int      // how many segments the path has
	values   []span   // of the parameters, in the order of the pattern
	names    []string // the route's own; the same length as values once found
}

// span is a part of Params.path.
type span struct{ start, end int }

// Len returns how many parameters the route has: 0 unless one was found.
func (p *Params) Len() int { return len(p.names) }

// Name returns the name of parameter i, which counts from 0 in the order of the
// pattern.
func (p *Params) Name(i int) string { return p.names[i] }

// Value returns the decoded value of parameter i. That of {rest...} is the
// remainder with its slashes, without a leading one.
func (p *Params) Value(i int) []byte {
	v := p.values[:len(p.names)][i]
	return p.path[v.start:v.end:v.end]
}

// Get returns the decoded value of the parameter of that name.
func (p *Params) Get(name []byte) ([]byte, bool) {
	for i, n := range p.names {
		if n == string(name) {
			return p.Value(i), true
		}
	}
	return nil, false
}

// Path returns the whole path, decoded and otherwise as it came. It is empty
// after BadPath.
func (p *Params) Path() []byte { return p.path }

// read splits and decodes a raw path. It remembers where the first max segments
// are, so that a path of a thousand slashes takes no more room than any other.
func (p *Params) read(path []byte, max int) error {
	p.segments, p.count = p.segments[:0], 0
	p.values, p.names = p.values[:0], nil
	decoded := slices.Grow(p.path[:0], len(path))
	p.path = decoded
	if len(path) == 0 || path[0] != '/' {
		return ErrNoSlash
	}
	for rest, more := path, true; more; p.count++ {
		rest = rest[1:] // the slash
		segment := rest
		i := bytes.IndexByte(rest, '/')
		if more = i >= 0; more {
			segment, rest = rest[:i], rest[i:]
		}
		decoded = append(decoded, '/')
		start := len(decoded)
		var err error
		if decoded, err = appendDecoded(decoded, segment); err != nil {
			return err
		}
		if p.count < max {
			p.segments = append(p.segments, span{start, len(decoded)})
		}
	}
	p.path = decoded
	return nil
}
