package kv

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestOpenErrors checks that opening says what is wrong and what to do.
func TestOpenErrors(t *testing.T) {
	store := func(t *testing.T) []byte {
		s := filled(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(s.file.path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	page := os.Getpagesize()
	for _, c := range []struct {
		name    string
		content func(t *testing.T) []byte
		want    string
	}{
		{"text", func(*testing.T) []byte { return []byte("not a database\n") }, "not a store, or a damaged one"},
		{"long text", func(*testing.T) []byte { return bytes.Repeat([]byte("not a database\n"), 10_000) }, "not a store, or a damaged one"},
		{"zeros", func(*testing.T) []byte { return make([]byte, 1<<20) }, "not a store, or a damaged one"},
		{"two pages", func(t *testing.T) []byte { return store(t)[:2*page] }, "not a store, or a damaged one"},
		{"half", func(t *testing.T) []byte { b := store(t); return b[:len(b)/2] }, "not a store, or a damaged one"},
		{"no meta pages", func(t *testing.T) []byte { b := store(t); clear(b[:2*page]); return b }, "not a store, or a damaged one"},
		{"no free list", func(t *testing.T) []byte {
			b := store(t)
			for at := 2 * page; at < len(b); at += page {
				b[at+8] = 0x77 // the page's type
			}
			return b
		}, "not a store, or a damaged one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			content := c.content(t)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first must not leave it locked
				s, err := OpenEmbedded(path)
				if err == nil {
					s.Close()
					t.Fatal("opened")
				}
				if !strings.HasPrefix(err.Error(), path+": "+c.want) || !strings.Contains(err.Error(), "store.path") {
					t.Error(err)
				}
			}
			if after, err := os.ReadFile(path); err != nil || runtime.GOOS != "windows" && !bytes.Equal(after, content) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		path := t.TempDir()
		_, err := OpenEmbedded(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": cannot open the store: ") {
			t.Error(err)
		}
	})
	t.Run("file for a directory", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{filepath.Join(file, "test.db"), filepath.Join(file, "a", "test.db")} {
			if _, err := OpenEmbedded(path); err == nil || !strings.HasPrefix(err.Error(), path+": cannot ") {
				t.Error(err)
			}
		}
	})
	t.Run("empty file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		mustSet(t, openAt(t, path).Keyspace("a"), "k", "v")
	})
}

func TestComplete(t *testing.T) {
	s := filled(t)
	content, err := os.ReadFile(s.file.path)
	if err != nil {
		t.Fatal(err)
	}
	for cut, want := range map[int]bool{0: true, len(content) / 2: false} {
		path := filepath.Join(t.TempDir(), "copy")
		if err := os.WriteFile(path, content[:len(content)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := complete(s.file.db, f); (err == nil) != want {
			t.Errorf("without its last %d bytes: %v", cut, err)
		}
	}
}
