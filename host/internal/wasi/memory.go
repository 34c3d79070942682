package wasi

import "encoding/binary"

// memory is the guest's.
type memory []byte

// at returns n bytes at ptr, and false when not all of them are in memory.
func (m memory) at(ptr uint32, n uint64) ([]byte, bool) {
	if uint64(ptr)+n > uint64(len(m)) {
		return nil, false
	}
	return m[ptr : uint64(ptr)+n : uint64(ptr)+n], true
}

// array returns count items of size bytes at ptr.
func (m memory) array(ptr, count uint32, size uint64) ([]byte, bool) {
	return m.at(ptr, uint64(count)*size)
}

func (m memory) putU64(ptr uint32, v uint64) errno {
	b, ok := m.at(ptr, 8)
	if !ok {
		return eFAULT
	}
	binary.LittleEndian.PutUint64(b, v)
	return success
}
