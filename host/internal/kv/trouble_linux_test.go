package kv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDiskFull puts /dev/full, where every write fails as on a full disk, in the
// place of the store's descriptor.
func TestDiskFull(t *testing.T) {
	s := filled(t)
	space := s.Keyspace("a")
	for i := range 49 { // leaves free pages: growing the file would fail in another way
		if _, err := space.Delete(t.Context(), fmt.Appendf(nil, "key-%03d", i)); err != nil {
			t.Fatal(err)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := syscall.Dup3(int(full.Fd()), descriptorOf(t, s.file.path), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	err = space.Set(t.Context(), []byte("key-050"), []byte("lost"))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	mustSet(t, space, "after", "v")
	if keys := list(t, space, ""); len(keys) != 52 {
		t.Errorf("%d keys, want 52", len(keys))
	}
	mustGet(t, space, "key-050", strings.Repeat("leafpage", 100))
	checkFile(t, s)
}

// TestNoDirectoryToMake: /proc answers that a directory does not exist even when
// asked to make it.
func TestNoDirectoryToMake(t *testing.T) {
	const path = "/proc/none/a/test.db"
	_, err := OpenEmbedded(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+": cannot make its directory: ") {
		t.Error(err)
	}
}

// descriptorOf returns the number of the descriptor that has the file open.
func descriptorOf(t *testing.T, path string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == path {
			var fd int
			if _, err := fmt.Sscan(filepath.Base(link), &fd); err != nil {
				t.Fatal(err)
			}
			return fd
		}
	}
	t.Fatalf("no descriptor of %s", path)
	return -1
}

// TestTruncated cuts the file of an open store, so that its mapping has pages with
// nothing behind them. Touching one ends a process that is not prepared.
func TestTruncated(t *testing.T) {
	t.Run("data", func(t *testing.T) {
		s := filled(t)
		if err := os.Truncate(s.file.path, int64(2*os.Getpagesize())); err != nil {
			t.Fatal(err)
		}
		expectTrouble(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("all", func(t *testing.T) {
		s := filled(t)
		if err := os.Truncate(s.file.path, 0); err != nil {
			t.Fatal(err)
		}
		expectTrouble(t, s)
		_, err := s.Keyspace("a").Get(t.Context(), nil, []byte("k"))
		if err == nil || !strings.Contains(err.Error(), "restart") {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
