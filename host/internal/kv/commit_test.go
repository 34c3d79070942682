package kv

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
)

// A gate stands in for a disk that is slow: each commit says that it has begun and
// then waits to be let through.
type gate struct {
	begun chan struct{}
	pass  chan error // nil: commit; else fail with it
}

func installGate(s *embedded) gate {
	g := gate{make(chan struct{}), make(chan error)}
	s.file.commit = func(tx *bbolt.Tx) error {
		g.begun <- struct{}{}
		if err := <-g.pass; err != nil {
			return err
		}
		return tx.Commit()
	}
	return g
}

// waitQueue returns when so many edits wait for the committer.
func waitQueue(s *embedded, n int) {
	for {
		s.committer.mu.Lock()
		waiting := len(s.committer.waiting)
		s.committer.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

func TestWritersShareOneCommit(t *testing.T) {
	const n = 50
	s := openTemp(t)
	space := s.Keyspace("a")
	g := installGate(s)
	var wg sync.WaitGroup
	write := func(key byte) {
		wg.Go(func() {
			if err := space.Set(t.Context(), []byte{key}, []byte("v")); err != nil {
				t.Error(err)
			}
		})
	}
	write(0)
	<-g.begun
	for i := range n {
		write(byte(i + 1))
	}
	waitQueue(s, n)
	g.pass <- nil
	<-g.begun // of the second commit, which must be the last
	waitQueue(s, 0)
	g.pass <- nil
	wg.Wait()
	if keys := list(t, space, ""); len(keys) != n+1 {
		t.Errorf("%d keys", len(keys))
	}
}

// TestFailureOfOneEdit: in one transaction, edits see those before them, and one
// that fails fails alone.
func TestFailureOfOneEdit(t *testing.T) {
	s := openTemp(t)
	space := s.Keyspace("a")
	g := installGate(s)
	var wg sync.WaitGroup
	waiting := 0
	expect := func(want string, do func() (any, error)) {
		wg.Go(func() {
			got, err := do()
			if answer(err, "ok") != want {
				t.Errorf("got %v, %v; want %s", got, err, want)
			}
		})
		waiting++
		waitQueue(s, waiting)
	}
	wg.Go(func() { _ = space.Set(t.Context(), []byte("first"), nil) })
	<-g.begun
	k, n := []byte("k"), []byte("n")
	ctx := t.Context()
	expect("ok", func() (any, error) { return nil, space.Set(ctx, k, []byte("text")) })
	expect("invalid", func() (any, error) { return space.Add(ctx, k, 1) })
	expect("ok", func() (any, error) { return space.Add(ctx, n, 1) })
	expect("ok", func() (any, error) {
		swapped, err := space.Swap(ctx, n, []byte("1"), []byte("10"), false)
		if !swapped {
			t.Error("does not see the edit before it")
		}
		return swapped, err
	})
	expect("ok", func() (any, error) {
		swapped, err := space.Swap(ctx, n, []byte("1"), []byte("20"), false)
		if swapped {
			t.Error("does not see the edit before it")
		}
		return swapped, err
	})
	expect("ok", func() (any, error) { return nil, space.Set(ctx, []byte("empty"), nil) })
	expect("ok", func() (any, error) {
		swapped, err := space.Swap(ctx, []byte("empty"), nil, []byte("x"), true)
		if swapped {
			t.Error("an empty value is taken for none")
		}
		return swapped, err
	})
	g.pass <- nil
	<-g.begun
	g.pass <- nil
	wg.Wait()
	mustGet(t, space, "n", "10")
	mustGet(t, space, "k", "text")
	mustGet(t, space, "empty", "")
}

// TestContextEndsInQueue: a writer leaves at once, and what it asked for is not
// done.
func TestContextEndsInQueue(t *testing.T) {
	s := openTemp(t)
	space := s.Keyspace("a")
	g := installGate(s)
	var wg sync.WaitGroup
	wg.Go(func() { _ = space.Set(t.Context(), []byte("first"), nil) })
	<-g.begun
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- space.Set(ctx, []byte("k"), []byte("v")) }()
	waitQueue(s, 1)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	waitQueue(s, 0)
	g.pass <- nil
	wg.Wait()
	if keys := list(t, space, ""); len(keys) != 1 {
		t.Errorf("keys are %q", keys)
	}
}

// TestContextEndsInCommit: a writer leaves at once and its arguments are its own
// again, while the commit goes on with what they were.
func TestContextEndsInCommit(t *testing.T) {
	s := openTemp(t)
	space := s.Keyspace("a")
	g := installGate(s)
	ctx, cancel := context.WithCancel(t.Context())
	key, old, value := []byte("key"), []byte(""), []byte("value")
	left := make(chan error)
	go func() {
		_, err := space.Swap(ctx, key, old, value, true)
		left <- err
	}()
	<-g.begun
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	copy(key, "XXX")
	copy(value, "XXXXX")
	g.pass <- nil
	go func() { <-g.begun; g.pass <- nil }()
	mustSet(t, space, "other", "o")
	mustGet(t, space, "key", "value")
	if keys := list(t, space, ""); len(keys) != 2 {
		t.Errorf("keys are %q", keys)
	}
}

func TestCloseAnswersWaitingWriters(t *testing.T) {
	const n = 10
	s := openTemp(t)
	space := s.Keyspace("a")
	g := installGate(s)
	var wg sync.WaitGroup
	write := func(key byte) {
		wg.Go(func() {
			if err := space.Set(t.Context(), []byte{key}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	write(0)
	<-g.begun
	for i := range n {
		write(byte(i + 1))
	}
	waitQueue(s, n)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for { // until Close has begun
		if err := space.Set(t.Context(), nil, nil); !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		s.committer.mu.Lock()
		stopped := s.committer.stopped
		s.committer.mu.Unlock()
		if stopped {
			break
		}
		runtime.Gosched()
	}
	if err := space.Set(t.Context(), []byte("late"), nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	g.pass <- nil
	<-g.begun
	g.pass <- nil
	wg.Wait()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	<-s.committer.done // its goroutine has ended
	if keys := list(t, openAt(t, s.file.path).Keyspace("a"), ""); len(keys) != n+1 {
		t.Errorf("%d keys", len(keys))
	}
}

// TestTake checks what goes into one transaction.
func TestTake(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tickets := func(n, size int) (all []*ticket) {
		for range n {
			all = append(all, newTicket(t.Context(), nil, &edit{value: make([]byte, size)}))
		}
		return all
	}
	for _, c := range []struct {
		name    string
		waiting []*ticket
		want    []int // sizes of the batches
	}{
		{"few", tickets(3, 10), []int{3}},
		{"many", tickets(2*maxBatch+1, 0), []int{maxBatch, maxBatch, 1}},
		{"large", tickets(20, MaxValue), []int{8, 8, 4}},
		{"one over the limit", tickets(2, maxBatchBytes+1), []int{1, 1}},
		{"none", nil, []int{0}},
		{"all ended", []*ticket{newTicket(ended, nil, &edit{})}, []int{0}},
		{"some ended", append(tickets(2, 1), newTicket(ended, nil, &edit{})), []int{2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := committer{waiting: c.waiting, stopped: true}
			q.wake.L = &q.mu
			for _, want := range c.want {
				batch := q.take(nil)
				if len(batch) != want {
					t.Fatalf("took %d, want %d", len(batch), want)
				}
				for _, ticket := range batch {
					if ticket.ctx != nil || ticket.err != nil {
						t.Error("took a ticket as it was")
					}
				}
			}
			if rest := q.take(nil); len(rest) > 0 {
				t.Errorf("%d are left", len(rest))
			}
		})
	}
	late := newTicket(ended, nil, &edit{})
	q := committer{waiting: []*ticket{late}, stopped: true}
	q.take(nil)
	<-late.done
	if !errors.Is(late.err, context.Canceled) {
		t.Errorf("a ticket whose context has ended answers %v", late.err)
	}
}
