package wasi

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Descriptors 0 to 2 are character devices that can be neither seeked nor told:
// by that C's and Rust's libraries know a terminal and write line by line. They
// would hold back everything written to a file until an exit that never comes.
// For a command it comes, so 0 and 1 are of an unknown type, as a pipe is, and
// written to in large pieces.
const (
	unknownType     = 0
	characterDevice = 2
)

// fileType is the type of one of the three descriptors.
func (c call) fileType(fd uint32) byte {
	if fd < 2 && c.env.Command() {
		return unknownType
	}
	return characterDevice
}

const (
	rightRead  = 1 << 1
	rightWrite = 1 << 6
	rightPoll  = 1 << 27
)

// maxVectors is how many pieces one read or write may have.
const maxVectors = 1024

func fdstatGet(c call) errno {
	if !c.std(0) {
		return eBADF
	}
	b, ok := c.mem.at(c.u32(1), 24)
	if !ok {
		return eFAULT
	}
	clear(b)
	b[0] = c.fileType(c.u32(0))
	rights := uint64(rightWrite | rightPoll)
	if c.u32(0) == 0 {
		rights = rightRead | rightPoll
	}
	binary.LittleEndian.PutUint64(b[8:], rights)
	return success
}

func filestatGet(c call) errno {
	if !c.std(0) {
		return eBADF
	}
	b, ok := c.mem.at(c.u32(1), 64)
	if !ok {
		return eFAULT
	}
	clear(b)
	b[16] = c.fileType(c.u32(0))
	b[24] = 1 // one link
	return success
}

// renumber succeeds on the three descriptors and changes nothing.
func renumber(c call) errno {
	if !c.std(0) || !c.std(1) {
		return eBADF
	}
	return success
}

// fdRead reads on in standard input. What it reads is the whole of it or as much
// as fits: there is never anything to wait for.
func fdRead(c call) errno {
	if c.u32(0) != 0 {
		return eBADF
	}
	vectors, e := c.vectors(1, 2)
	if e != success {
		return e
	}
	count, ok := c.mem.at(c.u32(3), 4)
	if !ok {
		return eFAULT
	}
	n := 0
	for v := vectors; len(v) > 0; v = v[8:] {
		p, ok := c.mem.vector(v)
		if !ok { // what was read lies where the vectors were
			return eFAULT
		}
		n += c.env.Input(p)
	}
	binary.LittleEndian.PutUint32(count, uint32(n))
	return success
}

func fdWrite(c call) errno { return c.write(3) }

// fdPwrite ignores the offset: what is written goes on from the last write.
func fdPwrite(c call) errno { return c.write(4) }

// write gathers the pieces and writes at most maxWrite bytes of them. Fewer than
// asked for is no error: the guest's library goes on with the rest. The
// parameter numbered written points at the count.
func (c call) write(written int) errno {
	fd := c.u32(0)
	if fd != 1 && fd != 2 {
		return eBADF
	}
	vectors, e := c.vectors(1, 2)
	if e != success {
		return e
	}
	count, ok := c.mem.at(c.u32(written), 4)
	if !ok {
		return eFAULT
	}
	p := c.gather(vectors)
	n := uint32(len(p))
	if n > 0 {
		if err := c.env.Output(int(fd), p); err != nil {
			panic(err)
		}
	}
	binary.LittleEndian.PutUint32(count, n)
	return success
}

// vectors returns the array of pieces, each 4 bytes of pointer and 4 of length,
// when all of them are in memory.
func (c call) vectors(ptr, count int) ([]byte, errno) {
	n := c.u32(count)
	if n > maxVectors {
		return nil, eINVAL
	}
	b, ok := c.mem.array(c.u32(ptr), n, 8)
	if !ok {
		return nil, eFAULT
	}
	for v := b; len(v) > 0; v = v[8:] {
		if _, ok := c.mem.vector(v); !ok {
			return nil, eFAULT
		}
	}
	return b, success
}

// vector returns the bytes of one piece.
func (m memory) vector(v []byte) ([]byte, bool) {
	return m.at(binary.LittleEndian.Uint32(v), uint64(binary.LittleEndian.Uint32(v[4:])))
}

// gather puts pieces together, up to maxWrite bytes. A single one is not copied.
func (c call) gather(vectors []byte) []byte {
	if len(vectors) == 8 {
		p, _ := c.mem.vector(vectors)
		return p[:min(len(p), maxWrite)]
	}
	var all []byte
	for v := vectors; len(v) > 0 && len(all) < maxWrite; v = v[8:] {
		p, _ := c.mem.vector(v)
		all = append(all, p[:min(len(p), maxWrite-len(all))]...)
	}
	return all
}

// randomGet fills memory with fresh random bytes. Much of it takes its time, so
// it looks between pieces whether the guest may go on.
func randomGet(c call) errno {
	b, ok := c.mem.array(c.u32(0), c.u32(1), 1)
	if !ok {
		return eFAULT
	}
	const piece = 256 << 10
	for len(b) > 0 {
		n := min(len(b), piece)
		_, _ = rand.Read(b[:n]) // never fails
		if b = b[n:]; len(b) > 0 {
			c.sleep(time.Time{})
		}
	}
	return success
}

// sleep waits, and ends the guest when it must not go on.
func (c call) sleep(until time.Time) {
	if err := c.env.Sleep(until); err != nil {
		panic(err)
	}
}
