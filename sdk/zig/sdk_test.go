// Package zig has only tests, of the SDK for Zig. They need zig, or ziglang for
// python3.
package zig

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// zig runs the compiler, or skips the test where there is none.
func zig(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := []string{"zig"}
	if _, err := exec.LookPath("zig"); err != nil {
		command = []string{"python3", "-m", "ziglang"}
		if exec.Command("python3", "-m", "ziglang", "version").Run() != nil {
			const missing = "zig is missing; pip install ziglang==0.17.1"
			if os.Getenv("CI") == "true" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	cmd := exec.Command(command[0], append(command[1:], args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func TestUnits(t *testing.T) {
	zig(t, ".", "build", "test", "--cache-dir", t.TempDir())
}

func TestFormat(t *testing.T) {
	zig(t, ".", "fmt", "--check", ".", "../../examples/zig-users", "../../abi/conformance/guests/zig")
}

// The plugin that the README shows can be built as it says.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	// Zig wants a relative path.
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := filepath.Rel(real, root)
	if err != nil {
		t.Fatal(err)
	}
	for block, file := range map[string]string{"zig": "src/main.zig", "build.zig": "build.zig", "build.zig.zon": "build.zig.zon"} {
		_, rest, found := strings.Cut(string(readme), "\n```"+block+"\n")
		text, _, closed := strings.Cut(rest, "```\n")
		if !found || !closed {
			t.Fatalf("README.md shows no %s", block)
		}
		text = strings.ReplaceAll(text, "PATH/TO/sdk/zig", filepath.ToSlash(sdk))
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	zig(t, dir, "build")
	wasm, err := os.ReadFile(filepath.Join(dir, "zig-out", "bin", "hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	stated := regexp.MustCompile(`This one has (\d+) KB`).FindSubmatch(readme)
	if got := (len(wasm) + 500) / 1000; stated == nil || string(stated[1]) != strconv.Itoa(got) {
		t.Errorf("README.md says %q; the plugin has %d KB", stated, got)
	}
	for _, unused := range []string{"env", "flush", "kv_get", "random_get"} {
		if strings.Contains(string(wasm), unused) {
			t.Errorf("the plugin names %q, which it does not use", unused)
		}
	}
}
