package reload

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// start watches dir/file and returns a channel with one value per change.
func start(t *testing.T, dir, file string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read := func() string {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "-"
		}
		return string(b)
	}
	changes := make(chan string, 100)
	done := make(chan struct{})
	looked := make(chan struct{})
	first := true
	go func() {
		defer close(done)
		Watch(ctx, func() ([]string, string) {
			if first {
				first = false
				defer close(looked)
			}
			return []string{dir}, read()
		}, func() { changes <- read() }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-looked
	return changes
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// expect waits until a change to text has been reported.
func expect(t *testing.T, changes <-chan string, text string) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case got := <-changes:
			if got == text {
				return
			}
		case <-timeout:
			t.Fatalf("no change to %q was reported", text)
		}
	}
}

func TestWriteRenameAndRemove(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "host.toml")
	write(t, path, "one")
	changes := start(t, dir, "host.toml")

	write(t, path, "two")
	expect(t, changes, "two")

	// What editors do: write beside, then rename over.
	write(t, path+".tmp", "three")
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "three")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "-")
}

// Kubernetes mounts a ConfigMap as links through ..data, and swaps that link.
func TestSwappedSymlink(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "host.toml"), version)
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("symbolic links are not allowed here")
		}
	}
	link("v1", "..data")
	link("..data/host.toml", "host.toml")
	changes := start(t, dir, "host.toml")

	link("v2", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "v2")
}

// A directory that is replaced takes its watch with it; the next look notices.
func TestReplacedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plugins")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	changes := start(t, dir, "a.wasm")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.wasm"), "new")
	expect(t, changes, "new")
}

// A directory behind a link that is swapped, as plugins in releases/N/ are behind
// current. The watch follows to the new one.
func TestSwappedDirectory(t *testing.T) {
	top := t.TempDir()
	for _, version := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(top, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(top, version, "a.wasm"), version)
	}
	current := filepath.Join(top, "current")
	if err := os.Symlink("v1", current); err != nil {
		t.Skip("symbolic links are not allowed here")
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	watched := map[string]os.FileInfo{}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	follow(w, watched, []string{current}, log)
	if err := os.Symlink("v2", current+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(current+".new", current); err != nil {
		t.Fatal(err)
	}
	follow(w, watched, []string{current}, log)
	write(t, filepath.Join(top, "v2", "a.wasm"), "v3")
	select {
	case e := <-w.Events:
		if e.Name != filepath.Join(current, "a.wasm") {
			t.Errorf("an event of %s", e.Name)
		}
	case <-time.After(20 * time.Second):
		t.Error("no event of the directory that the link leads to now")
	}
}

// What is not part of the fingerprint does not count as a change.
func TestUnrelatedFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "host.toml")
	write(t, path, "one")
	changes := start(t, dir, "host.toml")
	write(t, filepath.Join(dir, "data.db"), "x")
	write(t, path+".tmp", "two") // whole, or the watch might find it empty
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
	if got := <-changes; got != "two" {
		t.Fatalf("reported %q first, want the change of host.toml only", got)
	}
}
