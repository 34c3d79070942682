package meter

// helper is a function that is added: to read or set a v128 global from outside,
// of which the engine's interface knows only the low half, for the slow path of a
// function's entry, or for operations on ranges of memory.
type helper struct {
	name  string // how it is exported, or empty; then
	label string // what stack traces call it, or empty; then
	of    int    // it belongs to this function
	typ   uint32
	body  []byte
}

const (
	getSuffix = "_get"
	setSuffix = "_set"
)

func (p *plan) vectorHelpers() (helpers []helper) {
	pair := []ValueType{I64, I64}
	for i, g := range p.m.globals {
		if g.typ != V128 || !g.mutable {
			continue
		}
		index := uint32(i)
		name := p.globalName(i)
		const extract, replace = 0x1d, 0x1e
		get := []byte{0}
		get = appendU32(append(get, opGlobalGet), index)
		get = append(get, prefixSIMD, extract, 0)
		get = appendU32(append(get, opGlobalGet), index)
		get = append(get, prefixSIMD, extract, 1, opEnd)
		set := []byte{0}
		set = appendU32(append(set, opGlobalGet), index)
		set = append(set, opLocalGet, 0, prefixSIMD, replace, 0)
		set = append(set, opLocalGet, 1, prefixSIMD, replace, 1)
		set = append(appendU32(append(set, opGlobalSet), index), opEnd)
		helpers = append(helpers,
			helper{name: name + getSuffix, typ: p.typeIndex(funcType{results: pair}), body: get},
			helper{name: name + setSuffix, typ: p.typeIndex(funcType{params: pair}), body: set})
	}
	return helpers
}
