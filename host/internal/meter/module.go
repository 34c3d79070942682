package meter

// module is a parsed module. Function and global indexes count imports first, as
// in the binary format. Slices of bytes point into the original.
type module struct {
	wasm      []byte
	types     []funcType
	imports   []importDecl
	funcs     []uint32 // the type of each function, by its index
	tables    []byte   // the items of the section, unread
	nTables   int
	memory    *limits // declared here, not imported
	globals   []globalDecl
	exports   []exportDecl
	start     int // a function's index, or -1
	elems     []elemDecl
	bodies    []body
	data      []dataDecl
	counted   bool     // there is a data count section
	namesData bool     // some code names a data segment
	bulk      []bulkOp // operations on memory that some code has

	importedFuncs   int
	importedGlobals int
	importedTables  int
	importedMemory  bool

	nameSection []byte // content after the name, nil without
	producers   []byte // the section's content, nil without
}

type funcType struct {
	params, results []ValueType
}

// same reports whether two types are equal; two type indexes may mean the same.
func (t funcType) key() string {
	k := make([]byte, 0, len(t.params)+len(t.results)+1)
	for _, v := range t.params {
		k = append(k, byte(v))
	}
	k = append(k, 0)
	for _, v := range t.results {
		k = append(k, byte(v))
	}
	return string(k)
}

// Kinds of imports and exports.
const (
	kindFunc   = 0
	kindTable  = 1
	kindMemory = 2
	kindGlobal = 3
)

type importDecl struct {
	module, name string
	raw          []byte
}

type globalDecl struct {
	typ     ValueType
	mutable bool
	init    constExpr // empty for an import
}

type exportDecl struct {
	name  string
	kind  byte
	index uint32
}

type limits struct {
	min, max uint32
	hasMax   bool
}

// elemDecl is an element segment. head is everything before the elements, with
// its offset expression in offset: head = prefix, offset, suffix.
type elemDecl struct {
	prefix, suffix []byte
	offset         constExpr
	active         bool
	funcs          []uint32    // elements as function indexes, or
	exprs          []constExpr // as expressions
}

type dataDecl struct {
	passive bool
	offset  constExpr
	fixed   bool // the offset is a plain constant, at
	at      uint32
	content []byte
}

// body is a function's code. The locals are kept as groups: a few bytes can
// stand for billions.
type body struct {
	groups []localGroup
	locals int
	code   reader // the instructions, with the final end
}

type localGroup struct {
	count uint32
	typ   ValueType
}

func (m *module) typeOf(fn uint32) funcType { return m.types[m.funcs[fn]] }
