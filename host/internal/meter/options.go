package meter

// Defaults of Options. They are what the figures in the benchmark are about.
const (
	DefaultModule     = "wasmlane_meter"
	DefaultYield      = "yield"
	DefaultPrefix     = "wasmlane_"
	DefaultStackLimit = 1 << 20
	DefaultFree       = 1 << 9
	DefaultSpan       = 1 << 13
	DefaultMaxLocals  = 50_000
)

// Slice is the fuel of about 0.2 ms on a machine of 2024, the least that is worth
// a yield.
const Slice = 1 << 21

// Options say how Rewrite names what it adds, and where it puts the bounds. Zero
// values mean the defaults.
type Options struct {
	// Module and Yield name the function that is imported, of type (i64) -> i64.
	// It is called when the fuel or the stack is used up, takes the state and
	// returns the new one: see Refill and StackSpent. A guest that imports
	// anything from this module is refused.
	Module, Yield string
	// Prefix starts the names of all exports that are added. A guest that exports
	// a name with it is refused, unless the name is in Allowed.
	Prefix  string
	Allowed []string
	// StackLimit is how many bytes of native stack all functions in cycles of the
	// call graph may hold at once, by estimate.
	StackLimit int
	// Free is the most weight a function may have and still be paid for by its
	// callers. Functions above it, and some in cycles, pay at their entry.
	Free int
	// Span is the weight of straight-line code that may go unpaid inside of one
	// function.
	Span int
	// MaxLocals is how many local variables a function may declare.
	MaxLocals int

	bounds bounds // only tests change them
}

// bounds are the limits of the plan, see there.
type bounds struct {
	rest   int64 // weight that a function in a cycle may have left after a call without paying
	height int64 // bytes of stack in a cycle that no function counts
	reach  int64 // the same outside of cycles
	tail   int64 // weight of returns, outside of cycles, without a payment
}

func defaultBounds() bounds {
	return bounds{rest: 1 << 10, height: 1 << 9, reach: 1 << 16, tail: 1 << 16}
}

// restShare is how much weight that a function has left after a call counts as
// one byte of native stack.
const restShare = 4

// Bound returns the most weight that any guest runs between two payments, each
// of which may yield. Operations on ranges come on top: one on memory runs as far
// as the fuel at hand pays for, in one piece or in many, see bulk.go; one on tables
// pays for its length before it runs, and the host bounds the size of tables.
func (o Options) Bound() int64 {
	o = o.withDefaults()
	const one = weightGrow + bulkShort*2 // the heaviest instruction, with a short length
	frame := int64(o.Span+o.Free+o.MaxLocals/4) + one
	return 2*frame + o.bounds.tail + restShare*int64(o.StackLimit+o.StackLimit/8)
}

func (o Options) withDefaults() Options {
	text := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	number := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	text(&o.Module, DefaultModule)
	text(&o.Yield, DefaultYield)
	text(&o.Prefix, DefaultPrefix)
	number(&o.StackLimit, DefaultStackLimit)
	number(&o.Free, DefaultFree)
	number(&o.Span, DefaultSpan)
	number(&o.MaxLocals, DefaultMaxLocals)
	if o.bounds == (bounds{}) {
		o.bounds = defaultBounds()
	}
	return o
}

// Result is a rewritten module and what its host must know of it.
type Result struct {
	// Wasm is the new module. It validates if the original does.
	Wasm []byte
	// State is the export name of the state, a mutable i64 that starts as
	// NewState(0). The host may set it to NewState of some fuel whenever no guest
	// code runs. It is not in Globals.
	State string
	// Start is the export name of the original start function, of type () -> ().
	// It is empty when there was none. The host calls it once, before all else.
	Start string
	// Globals are all mutable globals of the original that hold numbers, in order.
	Globals []Global
	// MemoryMax is the maximum the original declared for its memory, in pages; the
	// new one is a page above it, and the host enforces this one. It is 0 without
	// a maximum or a memory of its own, and HasMemoryMax is false then.
	MemoryMax    uint32
	HasMemoryMax bool
	Reset        Reset
}

// Global is a mutable global and how to reach it from outside.
type Global struct {
	// Export is the name it is exported under.
	Export string
	Type   ValueType
	// Get and Set are, for a V128, exported functions of type () -> (i64, i64) and
	// (i64, i64) -> (); the low half comes first. They are empty for other types.
	Get, Set string
}

// Reset says what an engine that can save only memory and numbers cannot undo.
// The text fields give the first reason, for logs; they are empty when the flag
// beside them is false.
type Reset struct {
	Tables       bool // some code changes a table
	TablesWhy    string
	Segments     bool // some code drops a data or element segment
	SegmentsWhy  string
	RefGlobals   bool // a mutable global holds a reference
	RefGlobalWhy string
}

// Clean reports whether restoring memory and the numbers in globals restores all.
func (r Reset) Clean() bool { return !r.Tables && !r.Segments && !r.RefGlobals }

// ValueType is a type of values, as the binary format encodes it.
type ValueType byte

// The types of values.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	Funcref   ValueType = 0x70
	Externref ValueType = 0x6f
)

func (t ValueType) isRef() bool { return t == Funcref || t == Externref }

func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case Funcref:
		return "funcref"
	case Externref:
		return "externref"
	}
	return "unknown"
}
