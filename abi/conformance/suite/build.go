package suite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// MissingError says that a program is not there without which a plugin cannot be
// built.
type MissingError struct{ Program, Install string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is missing; %s", e.Program, e.Install)
}

// Build compiles the plugin whose sources stand in dir to the file out. A
// [MissingError] says what to install.
func Build(dir, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	has := func(pattern string) []string {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		return files
	}
	switch {
	case has("go.mod") != nil:
		return command(dir, []string{"GOOS=wasip1", "GOARCH=wasm"},
			"go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	case has("Cargo.toml") != nil:
		return buildRust(dir, out)
	case has("build.zig") != nil:
		return buildZig(dir, out)
	case has("package.json") != nil:
		return buildAssemblyScript(dir, out)
	case has("*.c") != nil:
		return buildC(dir, out, has("*.c"))
	}
	return fmt.Errorf("%s: no language is known by its files; a plugin has a go.mod, Cargo.toml, build.zig, package.json or *.c", dir)
}

func buildC(dir, out string, files []string) error {
	clang := first("clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14")
	if clang == "" {
		return &MissingError{"clang", "install clang and lld, for example with: apt-get install clang-19 lld-19"}
	}
	args := []string{"--target=wasm32", "-std=c11", "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory"}
	if include := above(dir, filepath.Join("sdk", "c")); include != "" {
		args = append(args, "-I"+include) // else the header stands beside the sources
	}
	args = append(args, "-Wl,--no-entry", "-Wl,--strip-all", "-o", out)
	for _, file := range files {
		args = append(args, filepath.Base(file))
	}
	return command(dir, nil, clang, args...)
}

// buildRust looks for a compiler that has the target: rustup's, which comes first
// on many a PATH, has none until it is told to.
func buildRust(dir, out string) error {
	const target = "wasm32-unknown-unknown"
	for _, prefix := range []string{"", "/usr/bin/"} {
		rustc, cargo := first(prefix+"rustc"), first(prefix+"cargo")
		if rustc == "" || cargo == "" {
			continue
		}
		lib, err := exec.Command(rustc, "--print", "target-libdir", "--target", target).Output()
		if err != nil {
			continue
		}
		if found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(lib)), "libcore-*")); found == nil {
			continue
		}
		built, err := os.MkdirTemp("", "wasmlane-cargo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(built)
		if err := command(dir, []string{"RUSTC=" + rustc, "CARGO_TARGET_DIR=" + built},
			cargo, "build", "--release", "--offline", "--target", target); err != nil {
			return err
		}
		return moveOne(filepath.Join(built, target, "release", "*.wasm"), out)
	}
	return &MissingError{"a rustc for " + target, "run \"rustup target add " + target + "\", or: apt-get install rustc cargo libstd-rust-dev-wasm32"}
}

func buildZig(dir, out string) error {
	var zig []string
	if name := first("zig"); name != "" {
		zig = []string{name}
	} else if python := first("python3"); python != "" && exec.Command(python, "-m", "ziglang", "version").Run() == nil {
		zig = []string{python, "-m", "ziglang"}
	} else {
		return &MissingError{"zig", "install it from https://ziglang.org, or: pip install ziglang"}
	}
	built, err := os.MkdirTemp("", "wasmlane-zig-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	args := append(zig[1:], "build", "--prefix", built, "--cache-dir", filepath.Join(built, "cache"))
	if err := command(dir, nil, zig[0], args...); err != nil {
		return err
	}
	return moveOne(filepath.Join(built, "bin", "*.wasm"), out)
}

// first returns the first of some programs that is there, or "".
func first(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// above looks for a directory beside dir or beside one that it lies in, and returns
// "" when there is none.
func above(dir, name string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for at := dir; ; at = filepath.Dir(at) {
		found := filepath.Join(at, name)
		if _, err := os.Stat(found); err == nil {
			return found
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

func moveOne(pattern, out string) error {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		return fmt.Errorf("the build made %d files %s; want one", len(files), pattern)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o644)
}

func command(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), env)
	text, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return &MissingError{name, "install it, or put it on PATH"}
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, text)
	}
	return nil
}
