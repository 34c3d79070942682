package meter

import "fmt"

// instr is one instruction. Positions are offsets in the module.
type instr struct {
	op  byte
	sub uint32 // the opcode after a prefix
	at  int    // where it begins
	imm int    // where what follows the opcode begins
	end int    // where it ends

	a       uint32 // the first index or label; for br_table the default label
	n       int64  // the constant of i32.const
	block   blockType
	targets []uint32 // of br_table, without the default; valid until the next
	weight  int64
}

// blockType is the type of a block: how many values branches to its start and to
// its end carry.
type blockType struct {
	params, results int
}

func instructionName(op byte, sub uint32) string {
	switch op {
	case prefixMisc, prefixSIMD, 0xfb, 0xfe:
		return fmt.Sprintf("instruction %#x %#x", op, sub)
	}
	return fmt.Sprintf("instruction %#x", op)
}

// decoder reads the instructions of one function.
type decoder struct {
	reader
	m       *module
	locals  int // with the parameters
	targets []uint32
}

func newDecoder(m *module, fn int) *decoder {
	b := m.bodies[fn-m.importedFuncs]
	return &decoder{reader: b.code, m: m, locals: len(m.typeOf(uint32(fn)).params) + b.locals}
}

// next reads an instruction into in, and reports whether there was one. At the
// end, and after an error, it is false.
func (d *decoder) next(in *instr) bool {
	if d.at >= d.end || d.err != nil {
		return false
	}
	*in = instr{at: d.at}
	in.op = d.byte()
	row := opcode{}
	switch in.op {
	case prefixMisc:
		in.sub = d.u32()
		row = misc(in.sub)
	case prefixSIMD:
		in.sub = d.simdOpcode()
		row = simd(in.sub)
	case 0xfb, 0xfe:
		in.sub = d.u32()
	default:
		row = core(in.op)
	}
	if row.imm == immUnknown {
		if d.err == nil {
			d.stop(refuse(in.op, in.sub, in.at))
		}
		return false
	}
	in.imm, in.weight = d.at, int64(row.weight)
	d.immediate(row.imm, in)
	in.end = d.at
	return d.err == nil
}

// simdOpcode reads an opcode in its shortest encoding only: the engine takes one
// byte, and what it then makes of a longer encoding is something else.
func (d *decoder) simdOpcode() uint32 {
	start := d.at
	sub := d.u32()
	if d.err == nil && len(appendU32(nil, sub)) != d.at-start {
		d.failf("a vector instruction in a longer encoding than it needs")
	}
	return sub
}

func (d *decoder) immediate(kind imm, in *instr) {
	switch kind {
	case immBlock:
		in.block = d.blockType()
	case immLabel, immIndex:
		in.a = d.u32()
	case immLocal:
		if in.a = d.u32(); int(in.a) >= d.locals {
			d.failf("local variable %d is named, there are %d", in.a, d.locals)
		}
	case immGlobal:
		if in.a = d.u32(); int(in.a) >= len(d.m.globals) {
			d.failf("global %d is named, there are %d", in.a, len(d.m.globals))
		}
	case immTable:
		d.targets = d.targets[:0]
		d.items("labels", func(int) { d.targets = append(d.targets, d.u32()) })
		in.targets, in.a = d.targets, d.u32()
	case immFunc:
		if in.a = d.u32(); int(in.a) >= len(d.m.funcs) {
			d.failf("function %d is named, there are %d", in.a, len(d.m.funcs))
		}
	case immIndirect:
		if in.a = d.m.typeIndex(&d.reader); true {
			d.u32()
		}
	case immTwo:
		in.a = d.u32()
		d.u32()
	case immMemarg:
		d.memarg()
	case immMemlane:
		d.memarg()
		d.byte()
	case immZero:
		d.zero()
	case immInitZero:
		in.a = d.u32()
		d.zero()
	case immZeroZero:
		d.zero()
		d.zero()
	case immI32:
		in.n = d.signed(32)
	case immI64:
		d.signed(64)
	case imm4:
		d.bytes(4)
	case imm8:
		d.bytes(8)
	case imm16:
		d.bytes(16)
	case immLane:
		d.byte()
	case immRef:
		d.refType()
	case immSelect:
		if n := d.u32(); n != 1 {
			d.failf("select with %d types", n)
		}
		d.valueType()
	}
}

func (d *decoder) blockType() blockType {
	at := d.at
	switch n := d.signed(33); {
	case n == -64:
		return blockType{}
	case n == -1, n == -2, n == -3, n == -4, n == -5, n == -16, n == -17:
		return blockType{results: 1}
	case n >= 0 && n < int64(len(d.m.types)):
		t := d.m.types[n]
		return blockType{len(t.params), len(t.results)}
	case n == -23:
		d.stop(unsupported(featureExceptions, at, "the type exnref"))
	case n == -28, n == -29:
		d.stop(unsupported(featureReferences, at, "a typed reference"))
	default:
		d.stop(malformed(at, "%d is no block type", n))
	}
	return blockType{}
}

func (d *decoder) memarg() {
	at := d.at
	if align := d.u32(); align&0x40 != 0 && align < 0x80 {
		d.stop(unsupported(featureMemories, at, "a memory index"))
	}
	if d.err == nil && d.left() > 0 {
		at = d.at
		if d.u32(); d.err != nil {
			d.err = unsupported(featureMemory64, at, "an offset of more than 32 bits")
		}
	}
}

func (d *decoder) zero() {
	at := d.at
	if d.byte() != 0 {
		d.stop(unsupported(featureMemories, at, "a memory index"))
	}
}
