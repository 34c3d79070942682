package wasi

import (
	"bytes"
	"encoding/binary"
)

// Strings are arguments or environment variables, as a guest gets them: each
// ended by a zero byte. The zero Strings are none.
type Strings struct {
	Block []byte
	Count int
}

// Add appends one of them, which holds no zero byte: it would end there.
func (s *Strings) Add(parts ...string) {
	for _, part := range parts {
		s.Block = append(s.Block, part...)
	}
	s.End()
}

// End ends the one that was appended to Block.
func (s *Strings) End() {
	s.Block = append(s.Block, 0)
	s.Count++
}

// get is args_get and environ_get: an array of pointers, and what they point at.
func (s Strings) get(c call) errno {
	pointers, ok := c.mem.array(c.u32(0), uint32(s.Count), 4)
	at := c.u32(1)
	block, ok2 := c.mem.at(at, uint64(len(s.Block)))
	if !ok || !ok2 {
		return eFAULT
	}
	copy(block, s.Block)
	rest := s.Block
	for i := range s.Count {
		binary.LittleEndian.PutUint32(pointers[4*i:], at)
		n := bytes.IndexByte(rest, 0) + 1
		rest, at = rest[n:], at+uint32(n)
	}
	return success
}

// sizes is args_sizes_get and environ_sizes_get.
func (s Strings) sizes(c call) errno {
	count, ok := c.mem.at(c.u32(0), 4)
	size, ok2 := c.mem.at(c.u32(1), 4)
	if !ok || !ok2 {
		return eFAULT
	}
	binary.LittleEndian.PutUint32(count, uint32(s.Count))
	binary.LittleEndian.PutUint32(size, uint32(len(s.Block)))
	return success
}

func argsGet(c call) errno      { return c.env.Args().get(c) }
func argsSizes(c call) errno    { return c.env.Args().sizes(c) }
func environGet(c call) errno   { return c.env.Environ().get(c) }
func environSizes(c call) errno { return c.env.Environ().sizes(c) }
