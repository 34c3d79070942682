package host

import (
	"context"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// countedKeyspace is a keyspace whose operations are counted and timed.
type countedKeyspace struct {
	keyspace kv.Keyspace
	count    *keyspaceCounter
}

func (k countedKeyspace) Get(ctx context.Context, dst, key []byte) ([]byte, error) {
	start := time.Now()
	value, err := k.keyspace.Get(ctx, dst, key)
	k.count.get.Count(storeResult(err), time.Since(start))
	return value, err
}

func (k countedKeyspace) Set(ctx context.Context, key, value []byte) error {
	start := time.Now()
	err := k.keyspace.Set(ctx, key, value)
	k.count.set.Count(storeResult(err), time.Since(start))
	return err
}

func (k countedKeyspace) Delete(ctx context.Context, key []byte) (bool, error) {
	start := time.Now()
	existed, err := k.keyspace.Delete(ctx, key)
	k.count.del.Count(storeResult(err), time.Since(start))
	return existed, err
}

func (k countedKeyspace) Add(ctx context.Context, key []byte, delta int64) (int64, error) {
	start := time.Now()
	sum, err := k.keyspace.Add(ctx, key, delta)
	k.count.add.Count(storeResult(err), time.Since(start))
	return sum, err
}

func (k countedKeyspace) Swap(ctx context.Context, key, old, new []byte, wantAbsent bool) (bool, error) {
	start := time.Now()
	swapped, err := k.keyspace.Swap(ctx, key, old, new, wantAbsent)
	k.count.swap.Count(storeResult(err), time.Since(start))
	return swapped, err
}

func (k countedKeyspace) Next(ctx context.Context, dst, prefix, after []byte) ([]byte, error) {
	start := time.Now()
	key, err := k.keyspace.Next(ctx, dst, prefix, after)
	k.count.list.Count(storeResult(err), time.Since(start))
	return key, err
}
