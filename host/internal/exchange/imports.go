package exchange

import (
	"fmt"

	"github.com/wasmlane/wasmlane/abi"
)

// Func carries out one import for a guest. mem is the guest's whole memory, and
// stack holds the parameters and takes the result, as the abi package describes
// them. It panics with *Misuse, ErrDeadline or ErrClosed to end the guest.
type Func func(x *Exchange, mem []byte, stack []uint64)

// Misuse is a guest's breach of the contract, such as a pointer outside its
// memory. It ends the request with 500.
type Misuse struct {
	Function string // the import
	Argument string // "" when it is about no argument
	Problem  string
}

// Error returns "kv_get: key: 0x1000+12 is outside memory".
func (m *Misuse) Error() string {
	if m.Argument == "" {
		return m.Function + ": " + m.Problem
	}
	return m.Function + ": " + m.Argument + ": " + m.Problem
}

// Imports returns what stands behind every function of the abi, by name.
func Imports() map[string]Func {
	return map[string]Func{
		"request":     request,
		"param":       param,
		"query":       query,
		"header":      header,
		"header_name": headerName,
		"body_size":   bodySize,
		"body":        body,

		"status":     status,
		"set_header": setHeader,
		"add_header": addHeader,
		"write":      write,
		"flush":      flush,

		"log":    logMessage,
		"config": config,

		"kv_get":    kvGet,
		"kv_set":    kvSet,
		"kv_delete": kvDelete,
		"kv_add":    kvAdd,
		"kv_swap":   kvSwap,
		"kv_list":   kvList,

		"call":        call,
		"call_status": callStatus,
		"call_header": callHeader,
		"call_body":   callBody,
		"call_close":  callClose,
	}
}

// needRequest ends a guest that asks for a request while it initialises.
func (x *Exchange) needRequest(function string) {
	if x.init {
		panic(&Misuse{Function: function, Problem: "no request"})
	}
}

// view returns n bytes of guest memory at ptr. Both are unsigned 32-bit values,
// so their sum cannot wrap in 64 bits.
func view(mem []byte, function, argument string, ptr, n uint64) []byte {
	p, l := uint64(uint32(ptr)), uint64(uint32(n))
	if p+l > uint64(len(mem)) {
		panic(&Misuse{function, argument, fmt.Sprintf("%#x+%d is outside memory of %d bytes", p, l, len(mem))})
	}
	return mem[p : p+l : p+l]
}

// give writes value into the guest's buffer when it fits, and returns the full
// length. The whole buffer must lie in memory whether it is written or not, so
// that a wrong pointer shows at once and not with the first long value.
func give(mem []byte, function string, buf, capacity uint64, value []byte) uint64 {
	dst := view(mem, function, "buf", buf, capacity)
	if len(value) <= len(dst) {
		copy(dst, value)
	}
	return uint64(uint32(len(value)))
}

// answer turns a code into a function's result.
func answer(c abi.Code) uint64 { return uint64(uint32(c)) }
