//go:build !race

package kv

import (
	"testing"

	"go.etcd.io/bbolt"
)

// TestReadAllocations: a read into a buffer with room allocates what a transaction
// of bbolt does, and in memory nothing.
func TestReadAllocations(t *testing.T) {
	key, dst := []byte("key"), make([]byte, 0, 64)
	s := openTemp(t)
	mustSet(t, s.Keyspace("a"), "key", "value")
	name := []byte("a")
	bare := func(read func(*bbolt.Bucket) []byte) float64 {
		return testing.AllocsPerRun(100, func() {
			_ = s.file.db.View(func(tx *bbolt.Tx) error {
				dst = append(dst[:0], read(tx.Bucket(name))...)
				return nil
			})
		})
	}
	get := bare(func(b *bbolt.Bucket) []byte { return b.Get(key) })
	next := bare(func(b *bbolt.Bucket) []byte { key, _ := b.Cursor().Seek(nil); return key })
	m := NewMemory()
	mustSet(t, m.Keyspace("a"), "key", "value")
	for _, c := range []struct {
		name      string
		store     Store
		get, next float64
	}{{"embedded", s, get, next}, {"memory", m, 0, 0}} {
		space := c.store.Keyspace("a")
		if n := testing.AllocsPerRun(100, func() { _, _ = space.Get(t.Context(), dst[:0], key) }); n > c.get {
			t.Errorf("%s: Get makes %v allocations, want %v", c.name, n, c.get)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = space.Next(t.Context(), dst[:0], nil, nil) }); n > c.next {
			t.Errorf("%s: Next makes %v allocations, want %v", c.name, n, c.next)
		}
	}
}
