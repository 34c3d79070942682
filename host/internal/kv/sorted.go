package kv

import (
	"bytes"
	"slices"
)

// sorted is a map ordered by the bytes of its keys: a list of short sorted
// chunks. An insertion moves at most one chunk, and a lookup is two binary
// searches. The zero value is empty.
type sorted struct {
	chunks [][]pair // in order; none is empty
}

type pair struct{ key, value []byte }

// chunkMax is where a chunk splits in two. Moving that many pairs costs less
// than a microsecond.
const chunkMax = 256

// A place is a position in a sorted: that of a pair, or where it would go.
type place struct{ chunk, index int }

func comparePair(p pair, key []byte) int { return bytes.Compare(p.key, key) }

// find returns the place of key and whether it is there.
func (s *sorted) find(key []byte) (place, bool) {
	if len(s.chunks) == 0 {
		return place{}, false
	}
	c, found := slices.BinarySearchFunc(s.chunks, key, func(chunk []pair, key []byte) int {
		return comparePair(chunk[0], key)
	})
	if found {
		return place{c, 0}, true
	}
	c = max(c-1, 0) // the last chunk that starts before key
	i, found := slices.BinarySearchFunc(s.chunks[c], key, comparePair)
	return place{c, i}, found
}

// at returns the pair at a place, or the next one when the place is the end of a
// chunk; ok is false at the end of all.
func (s *sorted) at(at place) (p pair, ok bool) {
	if at.chunk < len(s.chunks) && at.index == len(s.chunks[at.chunk]) {
		at = place{at.chunk + 1, 0}
	}
	if at.chunk >= len(s.chunks) {
		return pair{}, false
	}
	return s.chunks[at.chunk][at.index], true
}

// set stores value under key and keeps both.
func (s *sorted) set(key, value []byte) {
	at, found := s.find(key)
	if found {
		s.chunks[at.chunk][at.index].value = value
		return
	}
	if len(s.chunks) == 0 {
		s.chunks = [][]pair{nil}
	}
	chunk := slices.Insert(s.chunks[at.chunk], at.index, pair{key, value})
	s.chunks[at.chunk] = chunk
	if len(chunk) > chunkMax {
		half := len(chunk) / 2
		right := append(make([]pair, 0, chunkMax+1), chunk[half:]...)
		s.chunks[at.chunk] = slices.Delete(chunk, half, len(chunk))
		s.chunks = slices.Insert(s.chunks, at.chunk+1, right)
	}
}

// remove removes the pair at a place that find has found.
func (s *sorted) remove(at place) {
	chunk := slices.Delete(s.chunks[at.chunk], at.index, at.index+1)
	s.chunks[at.chunk] = chunk
	if len(chunk) == 0 {
		s.chunks = slices.Delete(s.chunks, at.chunk, at.chunk+1)
	}
}
