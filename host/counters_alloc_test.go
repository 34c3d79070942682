//go:build !race

package host

import (
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// Counting costs an operation, a call or a request no allocation, and a read of
// the store stays without any.
func TestCountingAllocatesNothing(t *testing.T) {
	h := newCounters().forGeneration()
	defer h.Leave()
	k := h.Keyspace("s", kv.NewMemory().Keyspace("s"))
	route, target := h.Route(&config.Route{Plugin: "a", Export: "get", Path: "/a", Methods: []string{"GET"}}), h.Target("b")
	ctx, key, method, dst := t.Context(), []byte("key"), []byte("GET"), make([]byte, 0, 64)
	if err := k.Set(ctx, key, []byte("value")); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := k.Get(ctx, dst, key); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Next(ctx, dst, nil, nil); err != nil {
			t.Fatal(err)
		}
		target.Call(200, 0, time.Millisecond)
		route.Count(method, 200, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// What counting adds to a read of the store.
func BenchmarkCountedGet(b *testing.B) {
	h := newCounters().forGeneration()
	defer h.Leave()
	plain := kv.NewMemory().Keyspace("s")
	ctx, key, dst := b.Context(), []byte("key"), make([]byte, 0, 64)
	if err := plain.Set(ctx, key, []byte("value")); err != nil {
		b.Fatal(err)
	}
	for name, k := range map[string]kv.Keyspace{"plain": plain, "counted": h.Keyspace("s", plain)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = k.Get(ctx, dst, key)
			}
		})
	}
}
