package sandbox

import (
	"fmt"
	"iter"
	"unicode/utf8"
)

// reader walks a module's bytes and never passes the end of the section it is
// in. The first error sticks: later reads give zeros, so that callers check
// once, after a group of reads.
//
// Every count is checked against the bytes that are left before anything is
// allocated for it. The engine allocates by counts it has not checked, and a
// ten-byte module must not make the host reserve gigabytes.
type reader struct {
	b   []byte
	at  int
	end int
	err error
}

// failf records a malformed module at the current byte.
func (r *reader) failf(format string, args ...any) {
	r.stop(refusef("malformed module at byte %d: %s", r.at, fmt.Sprintf(format, args...)))
}

// stop records err, unless there is an earlier one, and ends all reading.
func (r *reader) stop(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = r.end
}

func (r *reader) left() int { return r.end - r.at }

func (r *reader) byte() byte {
	if r.at >= r.end {
		r.failf("the section ends too early")
		return 0
	}
	b := r.b[r.at]
	r.at++
	return b
}

// bytes returns the next n bytes, without a copy.
func (r *reader) bytes(n int) []byte {
	if n < 0 || n > r.left() {
		r.failf("%d bytes expected, %d left in the section", n, r.left())
		return nil
	}
	b := r.b[r.at : r.at+n]
	r.at += n
	return b
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.failf("a number has more than 32 bits")
	return 0
}

// skipSigned passes over a signed LEB128 number of at most size bytes.
func (r *reader) skipSigned(size int) {
	for range size {
		if r.byte() < 0x80 {
			return
		}
	}
	r.failf("a number has too many bytes")
}

// count reads how many items follow. An item takes at least one byte, so a
// larger count than there are bytes left is refused.
func (r *reader) count(what string) int {
	n := r.u32()
	if uint64(n) > uint64(r.left()) {
		r.failf("%d %s declared, %d bytes left in the section", n, what, r.left())
		return 0
	}
	return int(n)
}

// items reads how many items follow and yields once for each, until one fails.
func (r *reader) items(what string) iter.Seq[int] {
	n := r.count(what)
	if n > maxItems {
		r.stop(refusef("the module has a list of %d %s, the limit is %d", n, what, maxItems))
		n = 0
	}
	return func(yield func(int) bool) {
		for i := range n {
			if r.err != nil || !yield(i) {
				return
			}
		}
	}
}

// name reads a UTF-8 name.
func (r *reader) name(what string) string {
	b := r.bytes(r.count("bytes of a name"))
	if !utf8.Valid(b) {
		r.failf("%s is not UTF-8", what)
		return ""
	}
	return string(b)
}

// expr passes over a constant expression.
func (r *reader) expr() {
	for r.err == nil {
		switch op := r.byte(); op {
		case 0x0b: // end
			return
		case 0x41: // i32.const
			r.skipSigned(5)
		case 0x42: // i64.const
			r.skipSigned(10)
		case 0x43: // f32.const
			r.bytes(4)
		case 0x44: // f64.const
			r.bytes(8)
		case 0x23, 0xd2: // global.get, ref.func
			r.u32()
		case 0xd0: // ref.null
			r.refType()
		case 0xfd: // v128.const, the only vector instruction allowed here
			if sub := r.u32(); sub != 0x0c {
				r.failf("instruction 0xfd %d in a constant expression", sub)
				return
			}
			r.bytes(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul
		default:
			r.failf("instruction %#x in a constant expression", op)
			return
		}
	}
}

// valType reads the type of a value, and refuses those of disabled features.
func (r *reader) valType() valType {
	switch b := r.byte(); b {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f:
		return valType(b)
	case 0x69, 0x68, 0x74:
		r.stop(refuseFeature(featureExceptions, "the type exnref"))
	case 0x63, 0x64, 0x65, 0x66, 0x67, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73:
		r.stop(refuseFeature(featureReferences, "a typed reference"))
	default:
		r.at--
		r.failf("%#x is no value type", b)
	}
	return 0
}

// refType reads the type of a reference.
func (r *reader) refType() valType {
	at := r.at
	t := r.valType()
	if r.err == nil && t != 0x70 && t != 0x6f {
		r.at = at
		r.failf("%s is no reference type", t)
	}
	return t
}

// limits are the bounds of a memory, in pages, or of a table, in entries.
type limits struct {
	min, max uint32
	hasMax   bool
}

func (r *reader) limits() limits {
	flags := r.byte()
	switch {
	case r.err != nil:
		return limits{}
	case flags > 7:
		r.at--
		r.failf("%#x is no limits flag", flags)
		return limits{}
	case flags&4 != 0:
		r.stop(refuseFeature(featureMemory64, "a memory or table with 64-bit addresses"))
		return limits{}
	case flags&2 != 0:
		r.stop(refuseFeature(featureThreads, "a shared memory"))
		return limits{}
	}
	l := limits{min: r.u32()}
	if flags&1 != 0 {
		l.hasMax, l.max = true, r.u32()
		if r.err == nil && l.max < l.min {
			r.failf("the maximum %d is below the minimum %d", l.max, l.min)
		}
	}
	return l
}
