package sandbox

// The space of every system: memory on Go's heap, put back by copying all of it.
// What it costs grows with the memory, not with what was written.

type heapSpace struct{}

func (heapSpace) String() string { return "copy of all memory" }

func (heapSpace) now() moment { return 0 }

func (heapSpace) settled(moment) bool { return true }

func (heapSpace) reserve(limit uint64) (region, error) { return &heapRegion{limit: limit}, nil }

func (heapSpace) capture(b []byte) (image, error) {
	return heapImage(append(make([]byte, 0, len(b)), b...)), nil
}

type heapImage []byte

func (i heapImage) size() int { return len(i) }

func (heapImage) free() {}

// heapRegion is one slice. What lies between its length and capacity is zero.
type heapRegion struct {
	limit uint64
	img   heapImage
}

func (r *heapRegion) resize(b []byte, size uint64) []byte {
	if b != nil && size <= uint64(cap(b)) {
		return b[:size]
	}
	// A quarter more than asked for: guests grow page by page, and copying
	// all of memory for each page is quadratic.
	room := size
	if b != nil {
		room = min(size+size/4, r.limit)
	}
	grown := make([]byte, size, max(room, size))
	copy(grown, b)
	return grown
}

func (r *heapRegion) attach(img image) ([]byte, error) {
	r.img = img.(heapImage)
	return r.fresh(), nil
}

func (r *heapRegion) restore(b []byte, keep int, _ moment) ([]byte, error) {
	if cap(b) > len(r.img)+keep {
		return r.fresh(), nil
	}
	if len(b) > len(r.img) {
		clear(b[len(r.img):])
		b = b[:len(r.img)]
	}
	copy(b, r.img)
	return b, nil
}

func (r *heapRegion) fresh() []byte {
	return append(make([]byte, 0, len(r.img)), r.img...)
}

// free leaves the slice to the garbage collector.
func (r *heapRegion) free() {}
