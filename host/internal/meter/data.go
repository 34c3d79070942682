package meter

const (
	maxDataGap  = 1 << 10 // zero bytes that may join two data segments into one
	maxDataGaps = 1 << 20 // all of them together, so that no module grows much
)

// run is a row of data segments that become one. It covers lo to hi in memory.
type run struct {
	lo, hi  uint64
	content []byte
}

// dataSection encodes the data segments and counts them. Go's linker leaves out
// every run of zeros and so emits some 20 000 segments, which the engine works
// through at each instantiation; neighbours are joined. Memory is zero before, so
// zeros may be written between two segments where none has been. named says that
// instructions may name segments, or that one has a place that is computed: then
// all stay as they are.
func (m *module) dataSection(named bool) (section []byte, count int) {
	var items []byte
	if named {
		for _, d := range m.data {
			if d.passive {
				items = append(items, 1)
			} else {
				// No function index can stand in the offset of a valid module.
				items = append(append(items, 0), d.offset.code...)
			}
			items = appendBytes(items, d.content)
		}
		return appendList(len(m.data), items), len(m.data)
	}
	var runs []run
	room := uint64(maxDataGaps) // zeros that may still be added
	for _, d := range m.data {
		at, n := uint64(d.at), len(runs)-1
		if n >= 0 && (at == runs[n].hi || at > runs[n].hi && at-runs[n].hi <= min(maxDataGap, room) && free(runs[:n], runs[n].hi, at)) {
			r := &runs[n]
			room -= at - r.hi
			r.content = append(r.content, make([]byte, at-r.hi)...)
		} else {
			runs = append(runs, run{lo: at, hi: at})
			n++
		}
		r := &runs[n]
		r.content = append(r.content, d.content...)
		r.hi = r.lo + uint64(len(r.content))
	}
	for _, r := range runs {
		items = appendSigned(append(items, 0, opI32Const), int64(int32(r.lo)))
		items = appendBytes(append(items, opEnd), r.content)
	}
	return appendList(len(runs), items), len(runs)
}

// mayName reports whether data segments must keep their numbers and places.
func (r *Result) mayName(m *module) bool {
	for _, d := range m.data {
		if d.passive || !d.fixed {
			return true
		}
	}
	return m.namesData
}

// free reports whether no run has bytes from lo to before hi. The search is for
// modules that have a handful of runs.
func free(runs []run, lo, hi uint64) bool {
	const few = 64
	if len(runs) > few {
		return false
	}
	for _, r := range runs {
		if r.lo < hi && lo < r.hi {
			return false
		}
	}
	return true
}
