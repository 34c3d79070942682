// Package rust has only tests, of the SDK for Rust and of the service written with it.
// They need cargo, and for WebAssembly a rustc that has the targets.
package rust

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// missing ends a test for want of a program.
func missing(t *testing.T, what string) {
	t.Helper()
	what += "; apt-get install rustc cargo libstd-rust-dev-wasm32 lld-14, or see https://rustup.rs"
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// cargo runs cargo in a directory with a target directory of the test's own.
func cargo(t *testing.T, dir, program string, env []string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program+" is missing")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CARGO_TARGET_DIR="+t.TempDir(), "CARGO_NET_OFFLINE=true"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s in %s: %v\n%s", cmd, dir, err, out)
	}
}

func TestUnits(t *testing.T) {
	cargo(t, ".", "cargo", nil, "test", "--quiet")
}

func TestUsersExample(t *testing.T) {
	cargo(t, filepath.FromSlash("../../examples/rust-users"), "cargo", nil, "test", "--quiet")
}

// compiler returns a cargo and a rustc that can build for a target.
func compiler(t *testing.T, target string) (cargo, rustc string) {
	t.Helper()
	for _, dir := range []string{"", "/usr/bin/"} {
		rustc, err := exec.LookPath(dir + "rustc")
		if err != nil {
			continue
		}
		lib, err := exec.Command(rustc, "--print", "target-libdir", "--target", target).Output()
		if err != nil {
			continue
		}
		if found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(lib)), "libcore-*")); found != nil {
			return dir + "cargo", rustc
		}
	}
	missing(t, "no rustc has the target "+target)
	return "", ""
}

// The crate builds for both targets, with std, without it, and with the allocator.
func TestTargets(t *testing.T) {
	for _, target := range []string{"wasm32-unknown-unknown", "wasm32-wasi"} {
		for name, features := range map[string][]string{
			"std": nil, "bump": {"--features", "bump"}, "no_std": {"--no-default-features", "--features", "bump"},
		} {
			t.Run(target+" "+name, func(t *testing.T) {
				program, rustc := compiler(t, target)
				cargo(t, ".", program, []string{"RUSTC=" + rustc, "RUSTFLAGS=-Dwarnings"}, append([]string{"check", "--target", target}, features...)...)
			})
		}
	}
}

// The plugin that the README shows can be built and tested as it says.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	rest := string(readme)
	for {
		_, after, found := strings.Cut(rest, "\n```")
		language, after, _ := strings.Cut(after, "\n")
		text, after, closed := strings.Cut(after, "```\n")
		if !found || !closed {
			break
		}
		blocks[language] = append(blocks[language], text)
		rest = "\n" + after
	}
	if len(blocks["rust"]) != 2 || len(blocks["toml"]) != 2 {
		t.Fatalf("README.md has %d blocks of rust and %d of toml", len(blocks["rust"]), len(blocks["toml"]))
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, text := range map[string]string{
		"src/lib.rs": strings.Join(blocks["rust"], "\n"),
		"Cargo.toml": strings.ReplaceAll(blocks["toml"][1], "PATH/TO/sdk/rust", filepath.ToSlash(root)),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cargo(t, dir, "cargo", nil, "test", "--quiet")
	program, rustc := compiler(t, "wasm32-unknown-unknown")
	_ = os.Remove(filepath.Join(dir, "Cargo.lock")) // which an older cargo does not read
	cargo(t, dir, program, []string{"RUSTC=" + rustc}, "build", "--quiet", "--release", "--target", "wasm32-unknown-unknown")
}
