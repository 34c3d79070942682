package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// entriesIn lists the engine's files below a directory, in order.
func entriesIn(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == rewritesDir {
			return fs.SkipDir // see rewrites_test.go
		}
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// cached loads a module in a new Runtime with a cache, calls it, and returns the
// log.
func cached(t *testing.T, dir string) string {
	t.Helper()
	var log logs
	r := newRuntime(t, Options{CacheDir: dir, Log: log.logger()})
	m := load(t, r, counter().Bytes())
	p := newPool(t, m, PoolOptions{})
	if got := answers(t, p, "count"); !slices.Equal(got, []uint64{1, 1}) {
		t.Errorf("the guest counted %v", got)
	}
	p.Close()
	m.Release()
	r.Close()
	return log.String()
}

func needCompiler(t *testing.T) {
	t.Helper()
	if a := runtime.GOARCH; a != "amd64" && a != "arm64" {
		t.Skipf("the engine has no compiler for %s, so it caches nothing", a)
	}
}

func TestCache(t *testing.T) {
	needCompiler(t)
	dir := filepath.Join(t.TempDir(), "deep", "cache [x]")
	if log := cached(t, dir); !strings.Contains(log, "cached=false") {
		t.Errorf("the first time:\n%s", log)
	}
	files := entriesIn(t, dir)
	if len(files) != 2 || files[0]+".sum" != files[1] {
		t.Fatalf("the cache has %q; the names of the engine's files have changed", files)
	}
	if info, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	old := time.Now().Add(-24 * time.Hour)
	for _, f := range files {
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if log := cached(t, dir); !strings.Contains(log, "cached=true") || strings.Contains(log, "WARN") {
		t.Errorf("the second time:\n%s", log)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || time.Since(info.ModTime()) > time.Hour {
			t.Errorf("%s was used and does not show it: %v", f, err)
		}
	}
}

func TestDamagedCache(t *testing.T) {
	needCompiler(t)
	write := func(t *testing.T, file string, b []byte) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, file string) []byte {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, damage := range map[string]func(t *testing.T, entry string){
		"empty":       func(t *testing.T, e string) { write(t, e, nil) },
		"cut":         func(t *testing.T, e string) { b := read(t, e); write(t, e, b[:len(b)/2]) },
		"cut at end":  func(t *testing.T, e string) { b := read(t, e); write(t, e, b[:len(b)-1]) },
		"garbage":     func(t *testing.T, e string) { write(t, e, []byte(strings.Repeat("garbage ", 100))) },
		"other magic": func(t *testing.T, e string) { b := read(t, e); b[0] ^= 1; write(t, e, b) },
		"count of functions": func(t *testing.T, e string) { // the engine would allocate gigabytes
			b := read(t, e)
			copy(b[6+1+int(b[6]):], "\xff\xff\xff\x7f")
			write(t, e, b)
		},
		"offset of a function": func(t *testing.T, e string) { // the engine would jump anywhere
			b := read(t, e)
			b[6+1+int(b[6])+4] ^= 8
			write(t, e, b)
		},
		"no checksum":    func(t *testing.T, e string) { os.Remove(e + ".sum") },
		"other checksum": func(t *testing.T, e string) { write(t, e+".sum", []byte(strings.Repeat("0", 16))) },
		"empty checksum": func(t *testing.T, e string) { write(t, e+".sum", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cached(t, dir)
			damage(t, entriesIn(t, dir)[0])
			if log := cached(t, dir); !strings.Contains(log, "damaged") || !strings.Contains(log, "cached=false") {
				t.Errorf("log is\n%s", log)
			}
			if log := cached(t, dir); !strings.Contains(log, "cached=true") {
				t.Errorf("it was not repaired:\n%s", log)
			}
		})
	}
}

// A cache that fails while the host runs costs time, not requests.
func TestCacheFails(t *testing.T) {
	needCompiler(t)
	dir := t.TempDir()
	var log logs
	r := newRuntime(t, Options{CacheDir: dir, Log: log.logger()})
	if err := os.RemoveAll(dir); err != nil { // the engine cannot write
		t.Fatal(err)
	}
	for range 2 {
		m := load(t, r, counter().Bytes())
		p := newPool(t, m, PoolOptions{})
		answers(t, p, "count")
		p.Close()
		m.Release()
	}
	if !strings.Contains(log.String(), "the module is compiled without it") {
		t.Errorf("log is\n%s", &log)
	}
}

func TestUnusableCacheDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		log := cached(t, dir)
		if !strings.Contains(log, "cache_dir is unusable") || !strings.Contains(log, "cached=false") {
			t.Errorf("log is\n%s", log)
		}
	}
}

func TestCacheIsPruned(t *testing.T) {
	dir := t.TempDir()
	key := strings.Repeat("a1", 32)
	old := []string{"wazero-v0-x/" + key, "wazero-v0-x/" + key + ".sha256", "wazero-v0-x/" + key + ".sum", "wazero-v0-x/" + key + ".code", "wazero-v1-x/" + key + ".123.tmp"}
	kept := []string{"wazero-v1-x/" + strings.Repeat("b2", 32), // young
		"wazero-v1-x/readme.txt", "other/" + key, key} // not the cache's
	for _, name := range slices.Concat(old, kept) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-cacheKeep - time.Hour)
		if strings.Contains(name, "b2") {
			when = time.Now().Add(-cacheKeep + time.Hour)
		}
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	newRuntime(t, Options{CacheDir: dir})
	for _, name := range append(old, "wazero-v0-x") {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
}
