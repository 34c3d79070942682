//go:build !race && linux

package proof

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	duration = flag.Duration("duration", time.Second, "how long each phase lasts")
	clients  = flag.Int("clients", 8, "how many clients order at once")
	pause    = flag.Duration("pause", 5*time.Millisecond, "how long a client waits before its next order")
)

// patience bounds every wait. Only a test that fails waits so long.
const patience = 60 * time.Second

// repository is the root of this module.
var repository = filepath.FromSlash("../../..")

// TestMain removes what this run leaves, be it ended by a signal, and what an
// earlier one had no time to remove.
func TestMain(m *testing.M) {
	flag.Parse()
	clearDead()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		clearOf(self())
		os.Exit(1)
	}()
	code := m.Run()
	clearOf(self())
	os.Exit(code)
}

// lacks skips the test by the name of what is missing. Where everything should be
// installed that is a failure.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// need returns the path of a program.
func need(t *testing.T, name, pack string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lacks(t, fmt.Sprintf("%s is missing; apt-get install %s", name, pack))
	}
	return path
}

// wait polls until done, and fails the test when that takes too long.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// newDir makes a directory that ends with the test, in that of this run.
func newDir(t *testing.T) string {
	t.Helper()
	err := os.MkdirAll(self().dir(), 0o700)
	dir := ""
	if err == nil {
		dir, err = os.MkdirTemp(self().dir(), "")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Programs are built once, at their first use, as "make build" and "make plugins" do.

var building sync.Mutex

// built returns the path of a file in this run's directory, which make makes when
// it is not there.
func built(t *testing.T, name string, make func(path string) error) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	path := filepath.Join(self().dir(), name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(self().dir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := make(path); err != nil {
			t.Fatalf("making %s: %v", name, err)
		}
	}
	return path
}

func program(t *testing.T) string {
	t.Helper()
	return built(t, "wasmlane", func(path string) error {
		return goBuild(filepath.Join(repository, "host", "cmd", "wasmlane"), path, nil, "CGO_ENABLED=0")
	})
}

// plugin builds the plugin whose sources are in a directory of the repository.
func plugin(t *testing.T, dir string) string {
	t.Helper()
	sources := filepath.Join(repository, filepath.FromSlash(dir))
	look(t, sources)
	look(t, filepath.Join(repository, "sdk", "go"))
	return built(t, filepath.Base(dir)+".wasm", func(path string) error {
		return goBuild(sources, path, []string{"-buildmode=c-shared"}, "GOOS=wasip1", "GOARCH=wasm")
	})
}

// goBuild builds the command in dir.
func goBuild(dir, out string, flags []string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out)
	cmd.Args = append(cmd.Args, flags...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
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
