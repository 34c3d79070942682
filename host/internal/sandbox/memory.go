package sandbox

import "github.com/tetratelabs/wazero/experimental"

// space is how this system keeps memories and puts them back to an image. Which
// one serves is chosen once, see openSpace.
type space interface {
	// String is its name in the log.
	String() string
	// reserve makes a region that may grow to limit bytes, a multiple of
	// pageSize. ErrMappings is in its error when the process may not have more.
	reserve(limit uint64) (region, error)
	// capture makes an image of memory as it is now.
	capture(b []byte) (image, error)
	// now returns the moment at which somebody has stopped to write.
	now() moment
	// settled reports whether it is known already what was written until then, as
	// far as this space keeps book of it. It makes restore cheaper, and no more.
	settled(moment) bool
}

// moment is a point in time, as a space counts it.
type moment uint64

// region is where one instance's memory lies. Regions are freed by hand, never
// while a guest runs in them.
type region interface {
	// resize returns the region's first size bytes: as they are, zero where
	// they are new. b is the memory so far. nil means that they are not to be had.
	resize(b []byte, size uint64) []byte
	// attach replaces the contents by an image, which restore goes back to, and
	// returns the memory. The image outlives the region.
	attach(img image) ([]byte, error)
	// restore makes b, the memory as a request has left it at a moment, equal to the
	// image again and returns it. At most keep bytes of what was written stay
	// resident, if the system lets it choose.
	restore(b []byte, keep int, written moment) ([]byte, error)
	free()
}

// image is memory as every request finds it. It never changes.
type image interface {
	size() int
	free()
}

// memory is the linear memory of one instance, as the engine sees it.
type memory struct {
	buf    []byte
	limit  uint64 // bytes; growing past it fails
	region region
	// next is the answer to the next Reallocate, whatever it asks for. It is
	// how memory shrinks and moves: the engine takes over what it is given.
	next []byte
	// refused: the guest has asked for more than limit during the call that runs.
	refused bool
}

// newMemory reserves memory and makes its first least bytes ready.
func newMemory(s space, least, limit uint64) (*memory, error) {
	limit -= limit % pageSize
	r, err := s.reserve(max(limit, least, pageSize))
	if err != nil {
		return nil, err
	}
	m := &memory{limit: limit, region: r}
	if m.buf = r.resize(nil, least); m.buf == nil {
		r.free()
		return nil, errNoMemory
	}
	return m, nil
}

// Allocate implements experimental.MemoryAllocator. The engine's sizes are
// hints: nothing is reserved for them.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. nil makes memory.grow answer
// -1.
func (m *memory) Reallocate(size uint64) []byte {
	if m.next != nil {
		m.buf, m.next = m.next, nil
		return m.buf
	}
	if size > m.limit {
		m.refused = true
		return nil
	}
	grown := m.region.resize(m.buf, size)
	if grown != nil {
		m.buf = grown
	}
	return grown
}

// Free implements experimental.LinearMemory. The engine may call it while a host
// function still holds the slice; free is for when nothing does.
func (m *memory) Free() {}

func (m *memory) free() {
	m.buf = nil
	m.region.free()
}

// ResetMode is a way to put an instance's memory back to its image.
type ResetMode string

const (
	ResetAuto    ResetMode = ""             // the fastest that works here
	ResetByScan  ResetMode = "pagemap-scan" // Linux 6.7 and later
	ResetByTable ResetMode = "pagemap"      // Linux
	ResetByCopy  ResetMode = "copy"         // everywhere
)
