package meter

import "unicode/utf8"

// reader walks bytes from at to end. The first error sticks: later reads give
// zeros, so that callers check once, after a group of reads. Positions are
// offsets in the whole module, so that errors can name them.
type reader struct {
	b   []byte
	at  int
	end int
	err error
}

// stop records err, unless there is an earlier one, and ends all reading.
func (r *reader) stop(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = r.end
}

func (r *reader) failf(format string, args ...any) { r.stop(malformed(r.at, format, args...)) }

func (r *reader) left() int { return r.end - r.at }

func (r *reader) byte() byte {
	if r.at >= r.end {
		r.failf("it ends too early")
		return 0
	}
	c := r.b[r.at]
	r.at++
	return c
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > r.left() {
		r.failf("%d bytes expected, %d left", n, r.left())
		return nil
	}
	c := r.b[r.at : r.at+n]
	r.at += n
	return c
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	if r.at < r.end && r.b[r.at] < 0x80 { // nearly always
		r.at++
		return uint32(r.b[r.at-1])
	}
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.failf("a number has more than 32 bits")
	return 0
}

// signed reads a signed LEB128 number of so many bits.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if shift+7 < 64 {
				v = v << (64 - 7 - shift) >> (64 - 7 - shift)
			}
			if unused := 64 - bits; v<<unused>>unused != v {
				break
			}
			return v
		}
	}
	r.failf("a signed number has more than %d bits", bits)
	return 0
}

// count reads how many items follow. An item takes at least one byte, so a
// larger count than there are bytes left is refused, before anything is
// allocated for it.
func (r *reader) count(what string) int {
	n := r.u32()
	if uint64(n) > uint64(r.left()) {
		r.failf("%d %s announced, %d bytes left", n, what, r.left())
		return 0
	}
	return int(n)
}

// items calls read for each item of a list, until one fails.
func (r *reader) items(what string, read func(i int)) int {
	n := r.count(what)
	for i := 0; i < n && r.err == nil; i++ {
		read(i)
	}
	return n
}

func (r *reader) name() string {
	c := r.bytes(r.count("bytes of a name"))
	if !utf8.Valid(c) {
		r.failf("a name is not UTF-8")
		return ""
	}
	return string(c)
}

// valueType reads the type of a value, and refuses those of other features.
func (r *reader) valueType() ValueType {
	at := r.at
	switch c := r.byte(); c {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f:
		return ValueType(c)
	case 0x69, 0x68, 0x74:
		r.stop(unsupported(featureExceptions, at, "the type exnref"))
	case 0x63, 0x64:
		r.stop(unsupported(featureReferences, at, "a typed reference"))
	case 0x65, 0x66, 0x67, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73:
		r.stop(unsupported(featureGC, at, "a reference type"))
	default:
		r.stop(malformed(at, "%#x is no value type", c))
	}
	return 0
}

// refType reads the type of a reference.
func (r *reader) refType() ValueType {
	at := r.at
	t := r.valueType()
	if r.err == nil && !t.isRef() {
		r.stop(malformed(at, "%v is no reference type", t))
	}
	return t
}
