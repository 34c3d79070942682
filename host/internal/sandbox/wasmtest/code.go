package wasmtest

import "slices"

// Instructions, as pieces of code for Func. What has no immediate is a function
// all the same, so that no caller can change another's code.

// Op is an instruction without immediates, by its opcode.
func Op(opcode byte) []byte { return []byte{opcode} }

// Unreachable traps.
func Unreachable() []byte { return Op(0x00) }

// Drop drops the value on top.
func Drop() []byte { return Op(0x1a) }

// I32Const pushes a constant.
func I32Const(n int32) []byte { return append([]byte{0x41}, S64(int64(n))...) }

// I64Const pushes a constant.
func I64Const(n int64) []byte { return append([]byte{0x42}, S64(n)...) }

// LocalGet pushes a local variable or parameter.
func LocalGet(i uint32) []byte { return append([]byte{0x20}, U32(i)...) }

// LocalSet sets a local variable or parameter.
func LocalSet(i uint32) []byte { return append([]byte{0x21}, U32(i)...) }

// GlobalGet pushes a global.
func GlobalGet(i uint32) []byte { return append([]byte{0x23}, U32(i)...) }

// GlobalSet sets a global.
func GlobalSet(i uint32) []byte { return append([]byte{0x24}, U32(i)...) }

// Call calls a function by its index.
func Call(f uint32) []byte { return append([]byte{0x10}, U32(f)...) }

// CallIndirect calls through table 0, with the type of that index.
func CallIndirect(typ uint32) []byte { return append(append([]byte{0x11}, U32(typ)...), 0) }

// I32Load loads from the address on top.
func I32Load() []byte { return []byte{0x28, 2, 0} }

// I32Store stores the value on top at the address below it.
func I32Store() []byte { return []byte{0x36, 2, 0} }

// MemoryGrow grows the memory by the pages on top and pushes the old size.
func MemoryGrow() []byte { return []byte{0x40, 0} }

// MemorySize pushes the size in pages.
func MemorySize() []byte { return []byte{0x3f, 0} }

// TableGrow grows a table by the entries on top, with the reference below, and
// pushes the old size.
func TableGrow(table uint32) []byte { return append([]byte{0xfc, 0x0f}, U32(table)...) }

// Loop repeats its code when Br(0) in it is reached.
func Loop(code ...[]byte) []byte { return block(0x03, code) }

// Block ends when Br(0) in it is reached.
func Block(code ...[]byte) []byte { return block(0x02, code) }

// If runs its code when the value on top is not zero.
func If(code ...[]byte) []byte { return block(0x04, code) }

// Br branches to the n-th enclosing block or loop.
func Br(n uint32) []byte { return append([]byte{0x0c}, U32(n)...) }

// BrIf branches when the value on top is not zero.
func BrIf(n uint32) []byte { return append([]byte{0x0d}, U32(n)...) }

// Forever is a loop that never ends.
func Forever() []byte { return Loop(Br(0)) }

func block(op byte, code [][]byte) []byte {
	return slices.Concat([]byte{op, 0x40}, slices.Concat(code...), []byte{0x0b})
}
