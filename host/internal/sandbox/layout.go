package sandbox

import "strings"

// layout is what a module declares, everything but its instructions.
type layout struct {
	types     []funcType
	imports   []importDecl
	funcs     []uint32 // the type of each function, imported ones first
	imported  int      // how many of funcs are imported
	bodies    int
	tables    []tableDecl
	memories  []limits
	memImport bool // the memory is imported
	exports   []exportDecl
	producers []producer

	tableStart, tableEnd int // the table section with its header, when there is one
}

// valType is a value's type, encoded as in the binary format.
type valType byte

func (t valType) String() string {
	switch t {
	case 0x7f:
		return "i32"
	case 0x7e:
		return "i64"
	case 0x7d:
		return "f32"
	case 0x7c:
		return "f64"
	case 0x7b:
		return "v128"
	case 0x70:
		return "funcref"
	case 0x6f:
		return "externref"
	}
	return "unknown"
}

type funcType struct{ params, results []valType }

// String writes a type as in "(i32, i64) -> i32".
func (t funcType) String() string {
	list := func(types []valType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	switch len(t.results) {
	case 0:
		return list(t.params)
	case 1:
		return list(t.params) + " -> " + t.results[0].String()
	}
	return list(t.params) + " -> " + list(t.results)
}

// The kinds of imports and exports, encoded as in the binary format.
type externKind byte

const (
	kindFunc   externKind = 0
	kindTable  externKind = 1
	kindMemory externKind = 2
	kindGlobal externKind = 3
)

func (k externKind) String() string {
	switch k {
	case kindFunc:
		return "function"
	case kindTable:
		return "table"
	case kindMemory:
		return "memory"
	case kindGlobal:
		return "global"
	}
	return "tag"
}

type importDecl struct {
	module, name string
	kind         externKind
	typ          funcType // of a function
}

type exportDecl struct {
	name  string
	kind  externKind
	index uint32
}

type tableDecl struct {
	limits
	limitsStart, limitsEnd int
}

// producer is one entry of the producers section: field is "language",
// "processed-by" or "sdk".
type producer struct{ field, name, version string }

// export returns the export of that name.
func (l *layout) export(name string) (exportDecl, bool) {
	for _, e := range l.exports {
		if e.name == name {
			return e, true
		}
	}
	return exportDecl{}, false
}

// funcType returns the type of a function by its index.
func (l *layout) funcType(index uint32) funcType { return l.types[l.funcs[index]] }

// signature describes an export: a function's type, or the kind of another.
func (l *layout) signature(e exportDecl) string {
	if e.kind != kindFunc {
		return e.kind.String()
	}
	return l.funcType(e.index).String()
}

// memoryMost returns how many bytes of memory the module allows itself.
func memoryMost(l *layout) uint64 {
	if len(l.memories) > 0 && l.memories[0].hasMax {
		return uint64(l.memories[0].max) * pageSize
	}
	return 1 << 32
}

// isProcedure reports whether an export is a function without parameters and
// results, which is what a handler and an initialiser are.
func (l *layout) isProcedure(e exportDecl) bool {
	if e.kind != kindFunc {
		return false
	}
	t := l.funcType(e.index)
	return len(t.params) == 0 && len(t.results) == 0
}
