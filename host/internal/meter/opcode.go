package meter

// The instructions by their opcodes: what follows the opcode, and what one costs.

// Opcodes that the rewrite looks at.
const (
	opUnreachable   = 0x00
	opBlock         = 0x02
	opLoop          = 0x03
	opIf            = 0x04
	opElse          = 0x05
	opEnd           = 0x0b
	opBr            = 0x0c
	opBrIf          = 0x0d
	opBrTable       = 0x0e
	opReturn        = 0x0f
	opCall          = 0x10
	opCallIndirect  = 0x11
	opReturnCall    = 0x12
	opReturnCallInd = 0x13
	opDrop          = 0x1a
	opLocalGet      = 0x20
	opLocalSet      = 0x21
	opLocalTee      = 0x22
	opGlobalGet     = 0x23
	opGlobalSet     = 0x24
	opTableSet      = 0x26
	opSelect        = 0x1b
	opMemorySize    = 0x3f
	opI32Const      = 0x41
	opI64Const      = 0x42
	opI64GeS        = 0x59
	opI32Eqz        = 0x45
	opI32LtU        = 0x49
	opI64Eqz        = 0x50
	opI64GtU        = 0x56
	opI32Add        = 0x6a
	opI32Sub        = 0x6b
	opI32Or         = 0x72
	opI64Add        = 0x7c
	opI64Sub        = 0x7d
	opI64And        = 0x83
	opI64Shl        = 0x86
	opI64ShrU       = 0x88
	opI64ExtendU    = 0xad
	opRefFunc       = 0xd2
	prefixMisc      = 0xfc
	prefixSIMD      = 0xfd
)

// Opcodes after prefixMisc.
const (
	miscMemoryInit = 8
	miscDataDrop   = 9
	miscMemoryCopy = 10
	miscMemoryFill = 11
	miscTableInit  = 12
	miscElemDrop   = 13
	miscTableCopy  = 14
	miscTableGrow  = 15
	miscTableSize  = 16
	miscTableFill  = 17
)

// imm is what follows an opcode.
type imm uint8

const (
	immUnknown imm = iota
	immNone
	immBlock    // a block type
	immLabel    // how many labels to go out
	immTable    // br_table
	immFunc     // a function
	immIndirect // a type and a table
	immLocal    // a local variable
	immGlobal   // a global
	immIndex    // another index
	immTwo      // two indexes
	immMemarg   // alignment and offset
	immZero     // the memory, always 0
	immInitZero // a data segment and the memory
	immZeroZero // two memories
	immI32
	immI64
	imm4 // so many bytes
	imm8
	imm16
	immLane    // a lane
	immMemlane // alignment, offset and a lane
	immRef     // a reference type
	immSelect  // a list of one type
)

// opcode is one row of the tables below.
type opcode struct {
	imm    imm
	weight uint8
}

// Weights. One is the work of an addition, about a third of a nanosecond.
const (
	weightCall     = 8   // and return, and the stack check of the engine
	weightIndirect = 12  // with the checks of table and type
	weightHost     = 100 // leaving native code and coming back
	weightGrow     = 250
	weightDispatch = 5 // from the start of one of Go's loops to its br_table
)

// core returns the row of a one-byte opcode.
func core(op byte) opcode {
	switch {
	case op <= 0x01: // unreachable, nop
		return opcode{immNone, 0}
	case op <= opIf:
		return opcode{immBlock, 0}
	case op == opElse, op == opEnd:
		return opcode{immNone, 0}
	case op == opBr:
		return opcode{immLabel, 1}
	case op == opBrIf:
		return opcode{immLabel, 2}
	case op == opBrTable:
		return opcode{immTable, 4}
	case op == opReturn:
		return opcode{immNone, 1}
	case op == opCall, op == opReturnCall:
		return opcode{immFunc, weightCall}
	case op == opCallIndirect, op == opReturnCallInd:
		return opcode{immIndirect, weightIndirect}
	case op == opDrop:
		return opcode{immNone, 0}
	case op == 0x1b: // select
		return opcode{immNone, 1}
	case op == 0x1c: // select with a type
		return opcode{immSelect, 1}
	case opLocalGet <= op && op <= opLocalTee:
		return opcode{immLocal, 1}
	case op == opGlobalGet, op == opGlobalSet:
		return opcode{immGlobal, 1}
	case op == 0x25, op == opTableSet: // table.get, table.set
		return opcode{immIndex, 4}
	case 0x28 <= op && op <= 0x3e: // loads and stores
		return opcode{immMemarg, 2}
	case op == 0x3f: // memory.size
		return opcode{immZero, 1}
	case op == 0x40: // memory.grow
		return opcode{immZero, weightGrow}
	case op == opI32Const:
		return opcode{immI32, 1}
	case op == opI64Const:
		return opcode{immI64, 1}
	case op == 0x43: // f32.const
		return opcode{imm4, 1}
	case op == 0x44: // f64.const
		return opcode{imm8, 1}
	case 0x6d <= op && op <= 0x70, 0x7f <= op && op <= 0x82: // integer div and rem
		return opcode{immNone, 12}
	case op == 0x91, op == 0x95, op == 0x9f, op == 0xa3: // float sqrt and div
		return opcode{immNone, 12}
	case 0xa8 <= op && op <= 0xab, 0xae <= op && op <= 0xb1: // truncations that may trap
		return opcode{immNone, 4}
	case 0x45 <= op && op <= 0xc4: // other arithmetic
		return opcode{immNone, 1}
	case op == 0xd0: // ref.null
		return opcode{immRef, 1}
	case op == 0xd1: // ref.is_null
		return opcode{immNone, 1}
	case op == opRefFunc:
		return opcode{immFunc, 8}
	}
	return opcode{}
}

// misc returns the row of an opcode after prefixMisc.
func misc(sub uint32) opcode {
	switch {
	case sub <= 7: // saturating truncations
		return opcode{immNone, 4}
	case sub == miscMemoryInit:
		return opcode{immInitZero, 20}
	case sub == miscMemoryCopy:
		return opcode{immZeroZero, 20}
	case sub == miscMemoryFill:
		return opcode{immZero, 20}
	case sub == miscTableInit, sub == miscTableCopy:
		return opcode{immTwo, 20}
	case sub == miscTableGrow:
		return opcode{immIndex, weightGrow}
	case sub == miscTableSize:
		return opcode{immIndex, 1}
	case sub <= miscTableFill: // data.drop, elem.drop, table.fill
		return opcode{immIndex, 20}
	}
	return opcode{}
}

// simd returns the row of an opcode after prefixSIMD.
func simd(sub uint32) opcode {
	switch {
	case sub <= 0x0b, sub == 0x5c, sub == 0x5d: // loads and stores
		return opcode{immMemarg, 2}
	case sub == 0x0c, sub == 0x0d: // v128.const, i8x16.shuffle
		return opcode{imm16, 2}
	case 0x15 <= sub && sub <= 0x22: // extract and replace a lane
		return opcode{immLane, 2}
	case 0x54 <= sub && sub <= 0x5b: // load and store a lane
		return opcode{immMemlane, 3}
	case sub > 0xff:
		return opcode{}
	}
	switch sub { // the holes in the numbering
	case 0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6,
		0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee:
		return opcode{}
	case 0xe3, 0xe7, 0xef, 0xf3: // sqrt and div
		return opcode{immNone, 24}
	}
	return opcode{immNone, 3} // some take several machine instructions
}

// refuse says why an opcode is not run. sub is what follows a prefix.
func refuse(op byte, sub uint32, at int) error {
	switch op {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return unsupported(featureExceptions, at, instructionName(op, sub))
	case 0x14, 0x15, 0xd4, 0xd5, 0xd6:
		return unsupported(featureReferences, at, instructionName(op, sub))
	case 0xd3, 0xfb:
		return unsupported(featureGC, at, instructionName(op, sub))
	case 0xfe:
		return unsupported(featureThreads, at, instructionName(op, sub))
	case prefixSIMD:
		if 0x100 <= sub && sub < 0x120 {
			return unsupported(featureRelaxedSIMD, at, instructionName(op, sub))
		}
	}
	return unsupported("an unknown instruction", at, instructionName(op, sub))
}
