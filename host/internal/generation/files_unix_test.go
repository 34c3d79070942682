//go:build unix

package generation

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNoModules: what a plugin directory may hold instead of a module is said to be
// none, and nothing waits for it.
func TestNoModules(t *testing.T) {
	for name, c := range map[string]struct {
		make func(file string) error
		want string
	}{
		"pipe":      {func(file string) error { return syscall.Mkfifo(file, 0o600) }, "x.wasm: not a regular file; put a module"},
		"directory": {func(file string) error { return os.Mkdir(file, 0o700) }, "x.wasm: not a regular file; put a module"},
		"device":    {func(file string) error { return os.Symlink(os.DevNull, file) }, "x.wasm: not a regular file; put a module"},
		"link":      {func(file string) error { return os.Symlink("nowhere.wasm", file) }, "x.wasm: a link to nowhere.wasm, which does not exist; "},
		"circle":    {func(file string) error { return os.Symlink("x.wasm", file) }, "x.wasm: " + syscall.ELOOP.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put("a", module("get"))
			file := filepath.Join(b.dir, "plugins", "x.wasm")
			if err := c.make(file); err != nil {
				t.Fatal(err)
			}
			g, problems := b.build("", nil)
			defer g.Release()
			if all := problems.All(); len(all) != 1 || !strings.Contains(all[0].Error(), c.want) {
				t.Errorf("the problems are %v, want %q", all, c.want)
			}
		})
	}
}
