package meter

import (
	"fmt"
	"strings"
)

// Rewrite returns the module with metering in it. The same bytes and options
// always give the same module. Every error is of one of the kinds ErrMalformed,
// ErrUnsupported, ErrReserved and ErrLimit; the text says what and where.
//
// Rewrite checks what it needs to, and is no validator: the engine still has to
// validate the result, and refuses it if the original was invalid.
func Rewrite(wasm []byte, o Options) (*Result, error) {
	o = o.withDefaults()
	m, err := parse(wasm, o)
	if err != nil {
		return nil, err
	}
	if err := m.checkNames(o); err != nil {
		return nil, err
	}
	res := &Result{State: o.Prefix + "state"}
	facts, taken, err := m.scan(&res.Reset)
	if err != nil {
		return nil, err
	}
	p := &plan{
		m: m, o: o, facts: facts,
		g:     newGraph(m, facts, taken),
		types: m.types[:len(m.types):len(m.types)],
		added: map[string]uint32{},
		yield: uint32(m.importedFuncs),
		state: uint32(len(m.globals)),
	}
	p.nodes = make([]node, len(p.g.edges))
	if err := p.decide(); err != nil {
		return nil, err
	}
	if err := p.encode(res); err != nil {
		return nil, err
	}
	return res, nil
}

// checkNames refuses guests that use what belongs to the host.
func (m *module) checkNames(o Options) error {
	for _, d := range m.imports {
		if d.module == o.Module {
			return &refusal{ErrReserved, fmt.Sprintf("the module imports %q from %q, which is for the host alone; remove the import", d.name, d.module)}
		}
	}
	for _, e := range m.exports {
		if !strings.HasPrefix(e.name, o.Prefix) {
			continue
		}
		allowed := false
		for _, name := range o.Allowed {
			allowed = allowed || name == e.name
		}
		if !allowed {
			return &refusal{ErrReserved, fmt.Sprintf("the module exports %q; names with %q are the host's, rename it", e.name, o.Prefix)}
		}
	}
	return nil
}
