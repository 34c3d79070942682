package deploy_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built holds the programs and plugins of one run of the tests, each built once.
var built struct {
	mu  sync.Mutex // held while something is built
	dir string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// program returns the path of the command, built as "make build" does.
func program(t *testing.T) string {
	t.Helper()
	look(t, "../go.mod", "../host", "../abi", "../sdk")
	return goBuild(t, "../host/cmd/wasmlane", "wasmlane", "CGO_ENABLED=0")
}

// pluginOf returns the path of a plugin in Go, built as "make plugins" does.
func pluginOf(t *testing.T, dir string) string {
	t.Helper()
	look(t, dir, "../sdk/go")
	return goBuild(t, dir, filepath.Base(dir)+".wasm", "GOOS=wasip1", "GOARCH=wasm")
}

func goBuild(t *testing.T, dir, name string, env ...string) string {
	t.Helper()
	return shared(t, name, func(out string) *exec.Cmd {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out)
		if filepath.Ext(name) == ".wasm" {
			cmd.Args = append(cmd.Args, "-buildmode=c-shared")
		}
		cmd.Args = append(cmd.Args, ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), env...)
		return cmd
	})
}

// shared returns the path of a file that a command makes when it is not there.
func shared(t *testing.T, name string, make func(out string) *exec.Cmd) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.dir == "" {
		var err error
		if built.dir, err = os.MkdirTemp("", "wasmlane-deploy-"); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(built.dir, name)
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		return out
	}
	cmd := make(out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s in %s: %v\n%s", cmd, cmd.Dir, err, text)
	}
	return out
}

// look asks for the times of all files below the paths: the go command takes an
// earlier result of a test as long as no file has changed that the test looked at,
// and what a compiler or a script reads is not among them.
func look(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
