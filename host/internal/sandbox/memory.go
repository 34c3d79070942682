package sandbox

import "github.com/tetratelabs/wazero/experimental"

// memory is the linear memory of one instance: a slice that grows up to a limit.
// The engine sees no more than its length, and what lies between length and
// capacity has never been written, so growing within it gives zeros.
type memory struct {
	buf   []byte
	limit uint64 // bytes
	// expect is how large it will be when it is initialised, as earlier
	// instances were: growing to that needs no copy.
	expect uint64
}

// Allocate implements experimental.MemoryAllocator. The engine's sizes are
// hints: nothing is reserved for them.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. nil makes memory.grow answer
// -1.
func (m *memory) Reallocate(size uint64) []byte {
	switch {
	case size > m.limit:
		return nil
	case m.buf == nil:
		m.buf = make([]byte, size, max(size, min(m.expect, m.limit)))
	case size <= uint64(cap(m.buf)):
		m.buf = m.buf[:size]
	default:
		// A quarter more than asked for: guests grow page by page, and copying
		// all of memory for each page is quadratic.
		grown := make([]byte, size, min(size+size/4, m.limit))
		copy(grown, m.buf)
		m.buf = grown
	}
	return m.buf
}

// Free implements experimental.LinearMemory. The slice is left to the garbage
// collector: the engine may call this while a host function still holds it.
func (m *memory) Free() {}
