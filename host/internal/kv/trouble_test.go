package kv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

var errDisk = errors.New("the disk is on fire")

// TestCommitFails: all writers of the transaction are told so, with the cause, and
// nothing else is lost.
func TestCommitFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		commit  func(*bbolt.Tx) error
		applied bool
	}{
		{"before it is written", func(tx *bbolt.Tx) error { return errDisk }, false},
		{"by a panic", func(tx *bbolt.Tx) error { panic(errDisk) }, false},
		// As when the last sync fails: it is in the file, but perhaps not on the disk.
		{"after it is written", func(tx *bbolt.Tx) error { return errors.Join(tx.Commit(), errDisk) }, true},
		{"by a panic afterwards", func(tx *bbolt.Tx) error { _ = tx.Commit(); panic(errDisk) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 5
			s := openTemp(t)
			space := s.Keyspace("a")
			mustSet(t, space, "before", "1")
			g := installGate(s)
			gated := s.file.commit
			s.file.commit = func(tx *bbolt.Tx) error {
				if err := gated(tx); err == errDisk {
					return c.commit(tx)
				}
				return nil
			}
			var wg sync.WaitGroup
			wg.Go(func() { mustSet(t, space, "before", "2") })
			<-g.begun
			for i := range n {
				wg.Go(func() {
					err := space.Set(t.Context(), fmt.Append(nil, i), nil)
					if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errDisk) || !strings.Contains(err.Error(), s.file.path) {
						t.Errorf("writer %d: %v", i, err)
					}
				})
			}
			waitQueue(s, n)
			g.pass <- nil
			<-g.begun
			g.pass <- errDisk
			wg.Wait()

			s.file.mu.Lock()
			if s.file.db != nil {
				t.Error("the file is still open")
			}
			s.file.mu.Unlock()
			// A read is what opens it again here.
			mustGet(t, space, "before", "2")
			want := 1
			if c.applied {
				want += n
			}
			if keys := list(t, space, ""); len(keys) != want {
				t.Errorf("keys are %q, want %d", keys, want)
			}
			go func() { <-g.begun; g.pass <- nil }()
			mustSet(t, space, "after", "1")
			mustGet(t, space, "after", "1")
			checkFile(t, s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			mustGet(t, openAt(t, s.file.path).Keyspace("a"), "after", "1")
		})
	}
}

// TestReadsDuringFailures reads while every other commit fails and the file is
// opened again and again.
func TestReadsDuringFailures(t *testing.T) {
	s := openTemp(t)
	space := s.Keyspace("a")
	mustSet(t, space, "k", "v")
	commits := 0
	s.file.commit = func(tx *bbolt.Tx) error {
		if commits++; commits%2 == 0 {
			return errDisk
		}
		return tx.Commit()
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if value, err := space.Get(t.Context(), nil, []byte("k")); err != nil || string(value) != "v" {
					t.Errorf("%q, %v", value, err)
					return
				}
			}
		})
	}
	for i := range 50 {
		err := space.Set(t.Context(), fmt.Append(nil, i), make([]byte, 10_000))
		if err != nil && !errors.Is(err, errDisk) {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
	if keys := list(t, space, ""); len(keys) != 26 {
		t.Errorf("%d keys, want 26", len(keys))
	}
	checkFile(t, s)
}

// TestFileGoneAfterFailure: a file that was moved away does not come back empty.
func TestFileGoneAfterFailure(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not let go of an open file")
	}
	s := openTemp(t)
	space := s.Keyspace("a")
	mustSet(t, space, "k", "v")
	commit := s.file.commit
	moved := s.file.path + ".moved"
	s.file.commit = func(*bbolt.Tx) error { return errors.Join(os.Rename(s.file.path, moved), errDisk) }
	if err := space.Set(t.Context(), []byte("k"), nil); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	s.file.commit = commit
	for range 2 { // the second is answered without a look at the disk
		_, err := space.Get(t.Context(), nil, []byte("k"))
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if _, err := os.Stat(s.file.path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file was made anew")
	}
	if err := os.Rename(moved, s.file.path); err != nil {
		t.Fatal(err)
	}
	s.file.mu.Lock()
	s.file.retry = time.Now() // as if retryAfter had passed
	s.file.mu.Unlock()
	mustGet(t, space, "k", "v")
	mustSet(t, space, "k", "w")
}

// TestFileMoved: what is written to a file that its path does not lead to any more would
// be gone after the next start. Nothing is, and what is put there instead is taken up.
func TestFileMoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not let go of an open file")
	}
	for name, c := range map[string]struct {
		move, back func(path string) error
		want       string
	}{
		"moved":    {func(p string) error { return os.Rename(p, p+".moved") }, func(p string) error { return os.Rename(p+".moved", p) }, "v"},
		"replaced": {func(p string) error { return os.Rename(p+".other", p) }, func(string) error { return nil }, "other"},
		"removed":  {os.Remove, func(p string) error { return os.Rename(p+".other", p) }, "other"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTemp(t)
			path := s.file.path
			other := openAt(t, path+".other")
			mustSet(t, other.Keyspace("a"), "k", "other")
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			space := s.Keyspace("a")
			mustSet(t, space, "k", "v")
			if err := s.Health(); err != nil {
				t.Fatal(err)
			}
			if err := c.move(path); err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{s.Health(), space.Set(t.Context(), []byte("k"), []byte("lost"))} {
				if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errMoved) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v", err)
				}
			}
			if err := c.back(path); err != nil {
				t.Fatal(err)
			}
			mustGet(t, space, "k", c.want)
			mustSet(t, space, "k", "w")
			if err := s.Health(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDamagedPages overwrites all pages but the first few with garbage, with the
// store closed and with it open. Reads and writes fail and the process lives on.
func TestDamagedPages(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprintf("live=%t", live), func(t *testing.T) {
			if live && runtime.GOOS == "windows" {
				t.Skip("Windows does not let another handle write to a mapped file")
			}
			s := filled(t)
			if !live {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			// The buckets' pages: anything but the meta pages and the list of free
			// pages, which opening looks at.
			damage(t, s.file.path, []byte("leafpage"))
			if !live {
				s = openAt(t, s.file.path)
			}
			expectTrouble(t, s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// filled returns a store whose keyspace fills several pages; each value contains
// "leafpage".
func filled(t *testing.T) *embedded {
	t.Helper()
	s := openTemp(t)
	space := s.Keyspace("a")
	each(t, 100, 100, func(i int) error {
		return space.Set(t.Context(), fmt.Appendf(nil, "key-%03d", i), bytes.Repeat([]byte("leafpage"), 100))
	})
	return s
}

// damage overwrites every page that contains the mark.
func damage(t *testing.T, path string, mark []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, os.Getpagesize())
	damaged := 0
	for at := int64(0); ; at += int64(len(page)) {
		if n, _ := f.ReadAt(page, at); n < len(page) {
			break
		}
		if bytes.Contains(page, mark) {
			if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, len(page)), at); err != nil {
				t.Fatal(err)
			}
			damaged++
		}
	}
	if damaged == 0 {
		t.Fatal("found no page to damage")
	}
}

// expectTrouble does each operation on what filled has written: all are
// unavailable, and stay so.
func expectTrouble(t *testing.T, s *embedded) {
	t.Helper()
	space := s.Keyspace("a")
	key := []byte("key-050")
	for range 2 {
		for name, do := range map[string]func() error{
			"get":    func() error { _, err := space.Get(t.Context(), nil, key); return err },
			"next":   func() error { _, err := space.Next(t.Context(), nil, nil, key); return err },
			"set":    func() error { return space.Set(t.Context(), key, key) },
			"delete": func() error { _, err := space.Delete(t.Context(), key); return err },
			"add":    func() error { _, err := space.Add(t.Context(), key, 1); return err },
		} {
			if err := do(); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), s.file.path) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
