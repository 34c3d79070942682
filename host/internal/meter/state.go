package meter

// The state of a running guest is one number, so that one subtraction and one
// comparison at a function's entry pay for its weight and its stack: the fuel in
// the high bits, the native stack that is left below, in units. When a
// subtraction takes more stack than there is, it borrows, and the highest bit of
// the low part is set.
const (
	stackBits  = 17
	stackGuard = 1 << (stackBits - 1)
	stackUnits = stackGuard - 1

	stateSpent = -1<<63 | stackGuard // the sign of the fuel, and the guard
)

// NewState returns the state of a guest that is not running: so much fuel, and
// all of the stack.
func NewState(fuel int64) uint64 { return uint64(fuel<<stackBits | stackUnits) }

// Refill returns the state with other fuel, which must not be negative. It is
// what the yield function returns, made from what it was given.
func Refill(state uint64, fuel int64) uint64 {
	return state&(1<<stackBits-1) | uint64(fuel<<stackBits)
}

// FuelLeft returns the fuel in a state. It is negative when it is used up.
func FuelLeft(state uint64) int64 { return int64(state) >> stackBits }

// StackSpent reports whether a guest has used up its native stack. The yield
// function asks it first, and ends the guest.
func StackSpent(state uint64) bool { return state&stackGuard != 0 }

// units converts bytes of stack: the limit is all the units there are.
func (o Options) units(bytes int64) int64 {
	limit := int64(o.StackLimit)
	return (min(bytes, limit)*stackUnits + limit - 1) / limit
}
