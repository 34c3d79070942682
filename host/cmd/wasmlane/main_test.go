package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// What these tests run is built once, at its first use, as "make build" and
// "make plugins" do: the program itself, and the plugins user and order.

func TestMain(m *testing.M) {
	code := m.Run()
	workshop.mu.Lock()
	defer workshop.mu.Unlock()
	if workshop.dir != "" {
		_ = os.RemoveAll(workshop.dir)
	}
	os.Exit(code)
}

// workshop is where the tests of one run keep what they share.
var workshop struct {
	mu  sync.Mutex // held while something is built
	dir string
}

// repository is the root of this module.
var repository = filepath.FromSlash("../../..")

// shared returns the path of a file in the workshop, which make makes when it is
// not there.
func shared(t *testing.T, name string, make func(path string) error) string {
	t.Helper()
	workshop.mu.Lock()
	defer workshop.mu.Unlock()
	if workshop.dir == "" {
		dir, err := os.MkdirTemp("", "wasmlane-test-")
		if err != nil {
			t.Fatal(err)
		}
		workshop.dir = dir
	}
	path := filepath.Join(workshop.dir, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := make(path); err != nil {
			t.Fatalf("making %s: %v", name, err)
		}
	}
	return path
}

// program returns the path of the command. It is built without the race detector,
// whatever the tests are built with.
func program(t *testing.T) string {
	t.Helper()
	return shared(t, "wasmlane.exe", func(path string) error {
		return goBuild(".", path, "CGO_ENABLED=0")
	})
}

// plugin returns the path of a plugin built from its sources in plugins/.
func plugin(t *testing.T, name string) string {
	t.Helper()
	sources := filepath.Join(repository, "plugins", name)
	look(t, sources)
	look(t, filepath.Join(repository, "sdk", "go"))
	return shared(t, name+".wasm", func(path string) error {
		return goBuild(sources, path, "GOOS=wasip1", "GOARCH=wasm", "-buildmode=c-shared")
	})
}

// cacheDir returns a directory for compiled machine code, so that each module is
// compiled once in a run.
func cacheDir(t *testing.T) string {
	t.Helper()
	return shared(t, "cache", func(path string) error { return os.Mkdir(path, 0o700) })
}

// goBuild builds the command in dir. Settings are variables of the environment
// and, beginning with "-", flags.
func goBuild(dir, out string, settings ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	for _, s := range settings {
		if strings.HasPrefix(s, "-") {
			cmd.Args = append(cmd.Args, s)
		} else {
			cmd.Env = append(cmd.Env, s)
		}
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s in %s: %w\n%s", cmd, dir, err, text)
	}
	return nil
}

// look asks for the times of all files under dir: the go command takes an earlier
// result of a test as long as no file has changed that the test looked at, and
// what the compiler reads is not among them.
func look(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
