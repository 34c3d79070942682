package sandbox

import (
	"encoding/binary"
	"slices"
)

// maxDataGap is how many zero bytes may join two data segments into one.
const maxDataGap = 1 << 10

// rewrite returns the module as the engine gets it.
func rewrite(b []byte, l *layout) []byte {
	return capTables(mergeData(b, l), l) // the data section comes later in the file
}

// run is a row of data segments that become one. It covers lo to hi in memory.
type run struct {
	lo, hi uint64
	bytes  []byte
}

// mergeData returns the module with neighbouring data segments joined. Go's
// linker leaves out every run of zeros and so emits some 20 000 of them. The
// engine works through all at each instantiation, which takes longer than
// everything else it does there.
//
// Memory is zero before, so zeros may be written between two segments, unless an
// earlier one has been there. Segments that instructions can name, and those
// whose place is computed, stay as they are. A module that needs no change is
// returned as it is.
func mergeData(b []byte, l *layout) []byte {
	if l.dataNamed || slices.ContainsFunc(l.data, func(d dataDecl) bool { return !d.fixed }) {
		return b
	}
	var runs []run
	for _, d := range l.data {
		at, content := uint64(d.offset), b[d.start:d.end]
		if last := len(runs) - 1; last < 0 || !joins(runs, at) {
			runs = append(runs, run{lo: at, hi: at})
		} else {
			r := &runs[last]
			r.bytes = append(r.bytes, make([]byte, at-r.hi)...)
			r.hi = at
		}
		r := &runs[len(runs)-1]
		r.bytes = append(r.bytes, content...)
		r.hi += uint64(len(content))
	}
	if len(runs) == len(l.data) {
		return b
	}
	section := binary.AppendUvarint(nil, uint64(len(runs)))
	for _, r := range runs {
		section = append(section, 0, 0x41) // active; i32.const
		section = appendSigned(section, int32(r.lo))
		section = append(section, 0x0b) // end
		section = binary.AppendUvarint(section, uint64(len(r.bytes)))
		section = append(section, r.bytes...)
	}
	return replaceSection(b, l.dataStart, l.dataEnd, 11, section)
}

// joins reports whether a segment at an address may go on from the last run. The
// search through the earlier ones is for modules that have a handful.
func joins(runs []run, at uint64) bool {
	last := runs[len(runs)-1]
	switch {
	case at < last.hi || at-last.hi > maxDataGap:
		return false
	case at == last.hi:
		return true
	}
	const few = 64
	return len(runs) <= few && !slices.ContainsFunc(runs[:len(runs)-1], func(r run) bool {
		return r.lo < at && last.hi < r.hi
	})
}

// replaceSection puts another section in the place of bytes start to end.
func replaceSection(b []byte, start, end int, id byte, content []byte) []byte {
	head := binary.AppendUvarint([]byte{id}, uint64(len(content)))
	return slices.Concat(b[:start], head, content, b[end:])
}

// appendSigned encodes a number as signed LEB128.
func appendSigned(b []byte, n int32) []byte {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
