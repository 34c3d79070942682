//go:build !race

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Machine code is mapped from the cache while it runs, and does what it did.
func TestTrim(t *testing.T) {
	needCompiler(t)
	wasm := buildGo(t, "goguest")
	dir := t.TempDir()
	codeFile := func() string {
		t.Helper()
		for _, f := range entriesIn(t, dir) {
			if strings.HasSuffix(f, codeSuffix) {
				return f
			}
		}
		t.Fatal("there is no file with machine code")
		return ""
	}
	for _, round := range []struct {
		name   string
		damage func()
	}{
		{"written", func() {}},
		{"found", func() {}},
		{"damaged", func() {
			b, err := os.ReadFile(codeFile())
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(codeFile(), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"cut", func() {
			if err := os.Truncate(codeFile(), 1<<20); err != nil {
				t.Fatal(err)
			}
		}},
		{"too long", func() {
			f, err := os.OpenFile(codeFile(), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = f.Write([]byte{0})
			f.Close()
		}},
	} {
		for mapped(t, dir) > 0 { // finalizers free code
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		round.damage()
		var log logs
		r := newRuntime(t, Options{CacheDir: dir, Imports: wasiImports(), Log: log.logger()})
		m := load(t, r, wasm)
		p := newPool(t, m, goOptions(PoolOptions{Fresh: true}))
		run := func() {
			call := newProcess(context.Background())
			if err := once(call.ctx, t, p, "goroutines", time.Time{}); err != nil || call.out() != "1225\n" {
				t.Errorf("%s: the guest wrote %q and ended with %v", round.name, call.out(), err)
			}
		}
		stop := make(chan struct{})
		var busy sync.WaitGroup
		busy.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					run()
				}
			}
		})
		r.Trim()
		r.Trim() // again does nothing
		close(stop)
		busy.Wait()
		if n := mapped(t, dir); n != 1 {
			t.Errorf("%s: %d files are mapped\n%s", round.name, n, &log)
		}
		run()
		// The names of functions are those of the whole module.
		var trap *Trap
		call := newProcess(context.Background())
		if err := once(call.ctx, t, p, "exit", time.Time{}); !errors.As(err, &trap) || !strings.Contains(trap.Stack, "main.exit") {
			t.Errorf("%s: ended with %v", round.name, err)
		}
		p.Close()
		m.Release()
		r.Close()
		r.Trim()
		if strings.Contains(log.String(), "WARN") {
			t.Errorf("%s: log is\n%s", round.name, &log)
		}
	}
}

// mapped returns how many files below a directory are mapped.
func mapped(t *testing.T, dir string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), dir)
}

// Only machine code is replaced, and only by the same.
func TestShareRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "code")
	page := os.Getpagesize()
	for name, where := range map[string]struct{ prot, offset int }{
		"data":          {unix.PROT_READ | unix.PROT_WRITE, 0},
		"constants":     {unix.PROT_READ, 0},
		"inside a page": {unix.PROT_READ | unix.PROT_EXEC, 16},
	} {
		b, err := unix.Mmap(-1, 0, 4*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		copy(b, bytes.Repeat([]byte("code"), page))
		if err := unix.Mprotect(b, where.prot); err != nil {
			t.Fatal(err)
		}
		if err := share(b[where.offset:], file); !errors.Is(err, errNotAlone) {
			t.Errorf("%s: %v", name, err)
		}
		if string(b[page:page+4]) != "code" {
			t.Errorf("%s has changed", name)
		}
		if err := unix.Munmap(b); err != nil {
			t.Fatal(err)
		}
	}
}
