package host

import (
	"context"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// origin is what ticks count from.
var origin = time.Now()

// ticks returns a time to take the difference of. It looks at one clock, where
// time.Now looks at two: a read of the store takes hardly longer than that.
func ticks() time.Duration { return time.Since(origin) }

// countedKeyspace is a keyspace whose operations are counted and timed.
type countedKeyspace struct {
	keyspace kv.Keyspace
	count    *keyspaceCounter
}

func (k countedKeyspace) Get(ctx context.Context, dst, key []byte) ([]byte, error) {
	start := ticks()
	value, err := k.keyspace.Get(ctx, dst, key)
	k.count.get.Count(storeResult(err), ticks()-start)
	return value, err
}

func (k countedKeyspace) Set(ctx context.Context, key, value []byte) error {
	start := ticks()
	err := k.keyspace.Set(ctx, key, value)
	k.count.set.Count(storeResult(err), ticks()-start)
	return err
}

func (k countedKeyspace) Delete(ctx context.Context, key []byte) (bool, error) {
	start := ticks()
	existed, err := k.keyspace.Delete(ctx, key)
	k.count.del.Count(storeResult(err), ticks()-start)
	return existed, err
}

func (k countedKeyspace) Add(ctx context.Context, key []byte, delta int64) (int64, error) {
	start := ticks()
	sum, err := k.keyspace.Add(ctx, key, delta)
	k.count.add.Count(storeResult(err), ticks()-start)
	return sum, err
}

func (k countedKeyspace) Swap(ctx context.Context, key, old, new []byte, wantAbsent bool) (bool, error) {
	start := ticks()
	swapped, err := k.keyspace.Swap(ctx, key, old, new, wantAbsent)
	k.count.swap.Count(storeResult(err), ticks()-start)
	return swapped, err
}

func (k countedKeyspace) Next(ctx context.Context, dst, prefix, after []byte) ([]byte, error) {
	start := ticks()
	key, err := k.keyspace.Next(ctx, dst, prefix, after)
	k.count.list.Count(storeResult(err), ticks()-start)
	return key, err
}
