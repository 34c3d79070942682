package kv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"go.etcd.io/bbolt"
)

// openTemp opens an empty embedded store that the test closes at its end.
func openTemp(t testing.TB) *embedded {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "test.db"))
}

func openAt(t testing.TB, path string) *embedded {
	t.Helper()
	s, err := OpenEmbedded(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*embedded)
}

// checkFile fails the test when bbolt finds the file inconsistent.
func checkFile(t *testing.T, s *embedded) {
	t.Helper()
	err := s.file.view(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func mustSet(t testing.TB, space Keyspace, key, value string) {
	t.Helper()
	if err := space.Set(t.Context(), []byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func mustGet(t *testing.T, space Keyspace, key, want string) {
	t.Helper()
	value, err := space.Get(t.Context(), nil, []byte(key))
	if err != nil || string(value) != want {
		t.Fatalf("%s is %.100q, %v; want %.100q", key, value, err, want)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "test.db")
	for i := range 5 {
		s := openAt(t, path)
		space := s.Keyspace("a")
		for j := range i {
			mustGet(t, space, fmt.Sprint("key", j), fmt.Sprint(j))
		}
		mustSet(t, space, fmt.Sprint("key", i), fmt.Sprint(i))
		mustSet(t, space, "empty", "")
		mustGet(t, space, "empty", "")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := t.TempDir()
	openAt(t, filepath.Join(dir, "a", "b", "test.db"))
	for name, want := range map[string]os.FileMode{"a": 0o700, "a/b": 0o700, "a/b/test.db": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestSyncIsOn(t *testing.T) {
	db := openTemp(t).file.db
	if db.NoSync || db.NoGrowSync || db.NoFreelistSync {
		t.Error("an acknowledged write would not be durable")
	}
}

// TestSettle: opening writes to the file, and writes what is there.
func TestSettle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s := openAt(t, path)
	mustSet(t, s.Keyspace("a"), "k", "v")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("opening and closing changed the file: %v", err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := settle(f, os.Getpagesize()); err == nil {
		t.Error("a file open for reading was settled")
	}
}

// TestNothingChangedNoCommit: edits that change nothing cost no transaction.
func TestNothingChangedNoCommit(t *testing.T) {
	s := openTemp(t)
	space := s.Keyspace("a")
	mustSet(t, space, "k", "v")
	commits := 0
	s.file.commit = func(tx *bbolt.Tx) error { commits++; return tx.Commit() }
	if existed, err := space.Delete(t.Context(), []byte("none")); existed || err != nil {
		t.Error(existed, err)
	}
	if swapped, err := space.Swap(t.Context(), []byte("k"), nil, nil, true); swapped || err != nil {
		t.Error(swapped, err)
	}
	if _, err := space.Add(t.Context(), []byte("k"), 1); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if commits != 0 {
		t.Errorf("%d commits", commits)
	}
	mustSet(t, space, "k", "w")
	if commits != 1 {
		t.Errorf("%d commits after a change", commits)
	}
}
