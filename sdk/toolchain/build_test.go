package toolchain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBuildErrors(t *testing.T) {
	build := func(j Job) (string, error) {
		var out bytes.Buffer
		j.Stdout, j.Stderr = &out, &out
		_, err := j.Build(context.Background())
		return out.String(), err
	}
	broken := directory(t, "go.mod=module example.com/broken\n\ngo 1.24\n", "main.go=package main\n\nfunc main() { nonsense }\n")
	text, err := build(Job{Dir: broken})
	if !errors.Is(err, ErrCompiler) {
		t.Errorf("the error is %v", err)
	}
	wantError(t, err, broken+": the compiler failed (go: exit status 1)")
	wantError(t, errors.New(text), "./main.go:3:15: undefined: nonsense")

	good := directory(t, "go.mod=module example.com/good\n\ngo 1.24\n", "main.go=package main\n\nfunc main() {}\n")
	nowhere := filepath.Join(t.TempDir(), "none")
	_, err = build(Job{Dir: good, Out: filepath.Join(nowhere, "good.wasm")})
	wantError(t, err, "there is no directory "+nowhere+"; create it")
	_, err = build(Job{Dir: nowhere, Language: C})
	wantError(t, err, nowhere+": no such directory")
	_, err = build(Job{Dir: good, Language: Rust})
	wantError(t, err, good+": there is no Cargo.toml")

	// Nothing but the module is left, whatever has happened.
	result, err := Job{Dir: good, Stdout: os.Stdout, Stderr: os.Stderr}.Build(context.Background())
	if err != nil || result.File != filepath.Join(good, "good.wasm") || result.Language != Go {
		t.Fatalf("%+v %v", result, err)
	}
	for dir, want := range map[string]int{broken: 2, good: 3} {
		if files, err := list(dir); err != nil || len(files) != want {
			t.Errorf("the files are %q %v", files, err)
		}
	}
}

// Where a module goes, in the ways -o can be given.
func TestTarget(t *testing.T) {
	dir := directory(t, "plugins/user.wasm", "main.c=int main;", "empty=", "old.bin=\x00asm\x01\x00\x00\x00")
	plugins := filepath.Join(dir, "plugins")
	for _, c := range []struct{ out, want string }{
		{"", filepath.Join(dir, "user.wasm")},
		{plugins, filepath.Join(plugins, "user.wasm")},
		{filepath.Join(plugins, "user.wasm"), filepath.Join(plugins, "user.wasm")},
		{filepath.Join(plugins, "new.wasm"), filepath.Join(plugins, "new.wasm")},
		{filepath.Join(plugins, "new.bin"), filepath.Join(plugins, "new.bin")},
		{filepath.Join(dir, "old.bin"), filepath.Join(dir, "old.bin")},
		{filepath.Join(dir, "empty"), filepath.Join(dir, "empty")},
	} {
		if got, err := target(dir, c.out, "user"); got != c.want || err != nil {
			t.Errorf("-o %q: %q %v, want %q", c.out, got, err, c.want)
		}
	}
	// What is no module is not replaced: a source, or a device.
	for _, out := range []string{filepath.Join(dir, "main.c"), os.DevNull} {
		if got, err := target(dir, out, "user"); err == nil || !strings.Contains(err.Error(), "it is no module") {
			t.Errorf("-o %q: %q %v", out, got, err)
		}
	}
}

func TestPlace(t *testing.T) {
	dir := directory(t, "old.wasm=old", "new.wasm=new")
	old := filepath.Join(dir, "old.wasm")
	before, err := os.Open(old)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := place(filepath.Join(dir, "new.wasm"), old); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(old)
	if err != nil || string(content) != "new" {
		t.Errorf("%q %v", content, err)
	}
	// The old file was not written to: it is another one.
	reading := make([]byte, 8)
	if n, _ := before.Read(reading); string(reading[:n]) != "old" {
		t.Errorf("a reader of the old file reads %q", reading[:n])
	}
	// What cannot be put in place leaves nothing beside it.
	if err := place(filepath.Join(dir, "new.wasm"), dir); err == nil {
		t.Error("a directory was replaced")
	}
	if files, err := list(dir); err != nil || len(files) != 2 {
		t.Errorf("the files are %q %v", files, err)
	}
}
