// Package rust has only tests: it runs those of the crate and of its example.
package rust

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// toolchain returns a cargo, and the environment for it to use the compiler that
// was installed with it.
func toolchain(t *testing.T, target string) (cargo string, env []string) {
	t.Helper()
	for _, prefix := range []string{"/usr/bin/", ""} {
		cargo, err := exec.LookPath(prefix + "cargo")
		rustc, rustcErr := exec.LookPath(prefix + "rustc")
		rustdoc, rustdocErr := exec.LookPath(prefix + "rustdoc")
		if err != nil || rustcErr != nil || rustdocErr != nil {
			continue
		}
		if target != "" {
			lib, err := exec.Command(rustc, "--print", "target-libdir", "--target", target).Output()
			if err != nil {
				continue
			}
			if found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(lib)), "libcore-*")); found == nil {
				continue
			}
		}
		return cargo, append(os.Environ(), "RUSTC="+rustc, "RUSTDOC="+rustdoc, "CARGO_TARGET_DIR="+t.TempDir())
	}
	missing := "cargo is missing, or the target " + target + "; install them, for example with: apt-get install cargo rustc libstd-rust-dev-wasm32"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return "", nil
}

func run(t *testing.T, dir, target string, args ...string) {
	t.Helper()
	cargo, env := toolchain(t, target)
	cmd := exec.Command(cargo, append(args, "--offline", "--locked")...)
	cmd.Dir, cmd.Env = dir, env
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s in %s: %v\n%s", cmd, dir, err, text)
	}
}

func TestCrate(t *testing.T) { run(t, ".", "", "test") }

func TestExample(t *testing.T) { run(t, filepath.FromSlash("../../examples/rust-users"), "", "test") }

// Every feature builds for every target that is promised.
func TestTargets(t *testing.T) {
	for _, target := range []string{"wasm32-unknown-unknown", "wasm32-wasi"} {
		t.Run(target, func(t *testing.T) { run(t, ".", target, "build", "--target", target) })
		t.Run(target+" no_std", func(t *testing.T) {
			run(t, ".", target, "build", "--target", target, "--no-default-features", "--features", "runtime")
		})
	}
}
