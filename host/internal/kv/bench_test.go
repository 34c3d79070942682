package kv

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wasmlane/wasmlane/host/internal/kv/redistest"
)

// BenchmarkWriters compares the committer with bbolt's own ways to write, each
// write of 100 bytes acknowledged when it is synced:
//
//	go test -run '^$' -bench Writers -benchtime 1s ./host/internal/kv
func BenchmarkWriters(b *testing.B) {
	ways := []struct {
		name string
		open func(b *testing.B, path string) (set func(key, value []byte) error)
	}{
		{"committer", func(b *testing.B, path string) func(key, value []byte) error {
			s, err := OpenEmbedded(path)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			space := s.Keyspace("bench")
			return func(key, value []byte) error { return space.Set(b.Context(), key, value) }
		}},
		{"batch-10ms", batch(10 * time.Millisecond)}, // bbolt's default
		{"batch-1ms", batch(time.Millisecond)},
		{"batch-100us", batch(100 * time.Microsecond)},
		{"update", func(b *testing.B, path string) func(key, value []byte) error {
			db := openBolt(b, path)
			return func(key, value []byte) error { return db.Update(putFunc(key, value)) }
		}},
		{"redis", redisWriter("--appendonly", "no")},
		{"redis-aof-everysec", redisWriter("--appendonly", "yes")},
		{"redis-aof-always", redisWriter("--appendonly", "yes", "--appendfsync", "always")},
	}
	for _, writers := range []int{1, 8, 64} {
		for _, way := range ways {
			b.Run(fmt.Sprintf("writers=%d/%s", writers, way.name), func(b *testing.B) {
				set := way.open(b, filepath.Join(b.TempDir(), "db"))
				benchmarkWriters(b, writers, set)
			})
		}
	}
}

// redisWriter starts a server of its own.
func redisWriter(args ...string) func(b *testing.B, path string) func(key, value []byte) error {
	return func(b *testing.B, _ string) func(key, value []byte) error {
		server := redistest.Start(b, args...)
		space := openRedisAt(b, RedisOptions{Addresses: []string{server.Addr}}).Keyspace("bench")
		mustSet(b, space, "warm", "")
		return func(key, value []byte) error { return space.Set(b.Context(), key, value) }
	}
}

func batch(delay time.Duration) func(b *testing.B, path string) func(key, value []byte) error {
	return func(b *testing.B, path string) func(key, value []byte) error {
		db := openBolt(b, path)
		db.MaxBatchDelay = delay
		return func(key, value []byte) error { return db.Batch(putFunc(key, value)) }
	}
}

func openBolt(b *testing.B, path string) *bbolt.DB {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoStatistics: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

func putFunc(key, value []byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("bench"))
		if err != nil {
			return err
		}
		return bucket.Put(key, value)
	}
}

// benchmarkWriters shares b.N writes among so many writers and reports the
// median and the 99th percentile of their latency.
func benchmarkWriters(b *testing.B, writers int, set func(key, value []byte) error) {
	value := make([]byte, 100)
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				key := fmt.Appendf(nil, "key-%d", i%10_000)
				start := time.Now()
				if err := set(key, value); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func BenchmarkGet(b *testing.B) {
	raw := openBolt(b, filepath.Join(b.TempDir(), "db"))
	embedded, err := OpenEmbedded(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer embedded.Close()
	memory := NewMemory()
	stores := map[string]Store{"embedded": embedded, "memory": memory}
	if _, err := exec.LookPath("redis-server"); err == nil {
		stores["redis"] = openRedis(b)
	}
	value := make([]byte, 100)
	var keys [][]byte
	for i := range 1000 {
		key := fmt.Appendf(nil, "key-%d", i)
		keys = append(keys, key)
	}
	if err := raw.Update(func(tx *bbolt.Tx) error {
		for _, key := range keys {
			if err := putFunc(key, value)(tx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, key := range keys {
		wg.Go(func() {
			for _, s := range stores {
				if err := s.Keyspace("bench").Set(b.Context(), key, value); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	dst := make([]byte, 0, 128)
	bench := []byte("bench")
	b.Run("bbolt-view", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			_ = raw.View(func(tx *bbolt.Tx) error {
				dst = append(dst[:0], tx.Bucket(bench).Get(keys[i%len(keys)])...)
				return nil
			})
		}
	})
	for name, s := range stores {
		space := s.Keyspace("bench")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if _, err := space.Get(b.Context(), dst[:0], keys[i%len(keys)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"-parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				dst := make([]byte, 0, 128)
				for i := 0; pb.Next(); i++ {
					if _, err := space.Get(b.Context(), dst[:0], keys[i%len(keys)]); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
