package kv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testStore is what every backend must pass. open returns an empty store, which
// the test may close and open closes otherwise.
func testStore(t *testing.T, open func(t *testing.T) Store) {
	t.Run("script", func(t *testing.T) { testScripts(t, open) })
	t.Run("many keys", func(t *testing.T) { testManyKeys(t, open(t)) })
	t.Run("concurrent add", func(t *testing.T) { testConcurrentAdd(t, open(t)) })
	t.Run("concurrent swap", func(t *testing.T) { testConcurrentSwap(t, open(t)) })
	t.Run("one creator", func(t *testing.T) { testOneCreator(t, open(t)) })
	t.Run("whole values", func(t *testing.T) { testWholeValues(t, open(t)) })
	t.Run("context", func(t *testing.T) { testContext(t, open(t)) })
	t.Run("close", func(t *testing.T) { testClose(t, open(t)) })
	t.Run("close under load", func(t *testing.T) { testCloseUnderLoad(t, open(t)) })
}

func TestMemory(t *testing.T) {
	testStore(t, func(t *testing.T) Store {
		s := NewMemory()
		t.Cleanup(func() { s.Close() })
		return s
	})
}

func TestEmbedded(t *testing.T) {
	testStore(t, func(t *testing.T) Store { return openTemp(t) })
}

func TestUnavailable(t *testing.T) {
	s := Unavailable()
	for _, op := range operations(s.Keyspace("a")) {
		if err := op.do(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	if err := s.Health(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("health: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

type operation struct {
	name string
	do   func(context.Context) error
}

// operations returns each operation once, on keys that operations write.
func operations(space Keyspace) []operation {
	k, v := []byte("key"), []byte("1")
	return []operation{
		{"set", func(ctx context.Context) error { return space.Set(ctx, k, v) }},
		{"get", func(ctx context.Context) error { _, err := space.Get(ctx, nil, k); return err }},
		{"next", func(ctx context.Context) error { _, err := space.Next(ctx, nil, nil, nil); return err }},
		{"add", func(ctx context.Context) error { _, err := space.Add(ctx, k, 1); return err }},
		{"swap", func(ctx context.Context) error { _, err := space.Swap(ctx, k, v, v, false); return err }},
		{"delete", func(ctx context.Context) error { _, err := space.Delete(ctx, k); return err }},
	}
}

// testManyKeys fills a keyspace past one page and one chunk, in random order, and
// takes half of it away again.
func testManyKeys(t *testing.T, s Store) {
	const n = 2000
	space := s.Keyspace("many")
	random := rand.New(rand.NewPCG(1, 2))
	order := random.Perm(n)
	each(t, 32, n, func(i int) error {
		return space.Set(t.Context(), fmt.Appendf(nil, "key-%05d", order[i]), fmt.Append(nil, order[i]))
	})
	each(t, 32, n, func(i int) error {
		if order[i]%2 == 0 {
			return nil
		}
		existed, err := space.Delete(t.Context(), fmt.Appendf(nil, "key-%05d", order[i]))
		if err == nil && !existed {
			err = fmt.Errorf("key %d was not there", order[i])
		}
		return err
	})
	var want []string
	for i := 0; i < n; i += 2 {
		want = append(want, fmt.Sprintf("key-%05d", i))
		value, err := space.Get(t.Context(), nil, []byte(want[len(want)-1]))
		if err != nil || string(value) != strconv.Itoa(i) {
			t.Fatalf("key %d: %q, %v", i, value, err)
		}
	}
	if got := list(t, space, ""); !slices.Equal(got, want) {
		t.Errorf("listed %d keys, want %d: %.200q", len(got), len(want), got)
	}
	if got := list(t, space, "key-000"); len(got) != 50 {
		t.Errorf("listed %d keys with the prefix, want 50: %q", len(got), got)
	}
}

func testConcurrentAdd(t *testing.T, s Store) {
	const n = 1000
	space := s.Keyspace("counters")
	seen := make([]atomic.Bool, n+1)
	each(t, 20, n, func(int) error {
		sum, err := space.Add(t.Context(), []byte("n"), 1)
		if err == nil && (sum < 1 || sum > n || seen[sum].Swap(true)) {
			err = fmt.Errorf("sum %d is out of range or was answered twice", sum)
		}
		return err
	})
	value, err := space.Get(t.Context(), nil, []byte("n"))
	if string(value) != strconv.Itoa(n) || err != nil {
		t.Errorf("after %d additions: %q, %v", n, value, err)
	}
}

// testConcurrentSwap counts with compare-and-swap: a lost update loses a count.
func testConcurrentSwap(t *testing.T, s Store) {
	const n = 200
	space := s.Keyspace("counters")
	key := []byte("n")
	if err := space.Set(t.Context(), key, []byte("0")); err != nil {
		t.Fatal(err)
	}
	each(t, 10, n, func(int) error {
		for {
			old, err := space.Get(t.Context(), nil, key)
			if err != nil {
				return err
			}
			count, _ := strconv.Atoi(string(old))
			swapped, err := space.Swap(t.Context(), key, old, fmt.Append(nil, count+1), false)
			if swapped || err != nil {
				return err
			}
		}
	})
	value, err := space.Get(t.Context(), nil, key)
	if string(value) != strconv.Itoa(n) || err != nil {
		t.Errorf("after %d swaps: %q, %v", n, value, err)
	}
}

// testOneCreator has many make the same key if absent.
func testOneCreator(t *testing.T, s Store) {
	space := s.Keyspace("locks")
	for round := range 10 {
		key := fmt.Append(nil, round)
		var winners atomic.Int32
		var winner atomic.Int64
		each(t, 20, 20, func(i int) error {
			swapped, err := space.Swap(t.Context(), key, nil, fmt.Append(nil, i), true)
			if swapped {
				winners.Add(1)
				winner.Store(int64(i))
			}
			return err
		})
		value, err := space.Get(t.Context(), nil, key)
		if winners.Load() != 1 || string(value) != strconv.FormatInt(winner.Load(), 10) || err != nil {
			t.Errorf("%d winners; the last was %d, the value is %q, %v", winners.Load(), winner.Load(), value, err)
		}
	}
}

// testWholeValues reads while values of different lengths replace each other.
func testWholeValues(t *testing.T, s Store) {
	space := s.Keyspace("values")
	key := []byte("k")
	write := func(i int) error {
		value := make([]byte, 1+i*997%20_000)
		for j := range value {
			value[j] = byte(len(value))
		}
		return space.Set(t.Context(), key, value)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			var dst []byte
			for {
				select {
				case <-stop:
					return
				default:
				}
				var err error
				if dst, err = space.Get(t.Context(), dst[:0], key); err != nil {
					t.Error(err)
					return
				}
				if i := slices.IndexFunc(dst, func(b byte) bool { return b != byte(len(dst)) }); i >= 0 {
					t.Errorf("value of %d bytes has %d at %d", len(dst), dst[i], i)
					return
				}
			}
		})
	}
	each(t, 4, 200, write)
	close(stop)
	readers.Wait()
}

func testContext(t *testing.T, s Store) {
	space := s.Keyspace("a")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for _, op := range operations(space) {
		if err := op.do(canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, canceled: %v", op.name, err)
		}
		if err := op.do(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, late: %v", op.name, err)
		}
	}
	if keys := list(t, space, ""); keys != nil {
		t.Errorf("late operations wrote %q", keys)
	}
}

func testClose(t *testing.T, s Store) {
	space := s.Keyspace("a")
	for _, op := range operations(space) {
		if err := op.do(t.Context()); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	if err := s.Health(); err != nil {
		t.Errorf("health: %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Health(); !errors.Is(err, ErrClosed) {
			t.Errorf("health after Close: %v", err)
		}
		for _, space := range []Keyspace{space, s.Keyspace("b")} {
			for _, op := range operations(space) {
				err := op.do(t.Context())
				if !errors.Is(err, ErrClosed) || !errors.Is(err, ErrUnavailable) {
					t.Errorf("%s after Close: %v", op.name, err)
				}
			}
		}
	}
}

// testCloseUnderLoad closes while others read and write: each gets an answer.
func testCloseUnderLoad(t *testing.T, s Store) {
	space := s.Keyspace("a")
	var wg sync.WaitGroup
	var done atomic.Int32
	for i := range 20 {
		wg.Go(func() {
			key := fmt.Append(nil, i)
			for {
				err := space.Set(t.Context(), key, key)
				if err == nil {
					_, err = space.Get(t.Context(), nil, key)
				}
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
				done.Add(1)
			}
		})
	}
	for done.Load() < 40 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	for range 2 {
		wg.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// each calls do with 0 to n-1 from so many goroutines.
func each(t *testing.T, goroutines, n int, do func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range goroutines {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					t.Errorf("%d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
