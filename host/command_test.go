package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The CGI program of testdata/command, by language, and how each is built. Go is
// always there; without another compiler its tests are skipped, and fail when CI
// is "true".
func commandBuilders() map[string]func(t testing.TB) []byte {
	return map[string]func(t testing.TB) []byte{"go": goCommand, "c": cCommand, "rust": rustCommand}
}

func goCommand(t testing.TB) []byte {
	t.Helper()
	return compileCommand(t, []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS="}, "go", "build", "-trimpath", "-o", "OUT", "./testdata/command")
}

func cCommand(t testing.TB) []byte {
	t.Helper()
	const advice = "C compiler for wasm32-wasi (apt-get install clang lld wasi-libc libclang-rt-dev-wasm32)"
	clang := tool(t, advice, "clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14")
	// Whether all of it is there shows when it links.
	probe := exec.Command(clang, "--target=wasm32-wasi", "-x", "c", "-", "-o", filepath.Join(t.TempDir(), "probe.wasm"))
	probe.Stdin = strings.NewReader("#include <stdio.h>\nint main(void) { return printf(\"%f\", 1.0L) == 0; }\n")
	if out, err := probe.CombinedOutput(); err != nil {
		lacksTool(t, fmt.Sprintf("%s: %v\n%s", advice, err, out))
	}
	return compileCommand(t, nil, clang, "--target=wasm32-wasi", "-std=c11", "-O2", "-Wall", "-Werror", "-Wl,--strip-all", "-o", "OUT", "testdata/command/command.c")
}

func rustCommand(t testing.TB) []byte {
	t.Helper()
	const advice = "rustc with the target wasm32-wasi, or no lld (apt-get install rustc libstd-rust-dev-wasm32 lld)"
	linker := tool(t, advice, "wasm-ld", "wasm-ld-19", "wasm-ld-18", "wasm-ld-17", "wasm-ld-16", "wasm-ld-15", "wasm-ld-14")
	for _, rustc := range []string{"rustc", "/usr/bin/rustc"} {
		libraries, err := exec.Command(rustc, "--print", "target-libdir", "--target", "wasm32-wasi").Output()
		if err != nil {
			continue
		}
		if _, err := os.Stat(strings.TrimSpace(string(libraries))); err != nil {
			continue
		}
		return compileCommand(t, nil, rustc, "--target", "wasm32-wasi", "-O", "-C", "codegen-units=1", "-C", "linker="+linker,
			// Older versions have the linker fail at files of their own.
			"-C", "link-arg=--no-fatal-warnings", "-C", "link-arg=--strip-all", "-o", "OUT", "testdata/command/command.rs")
	}
	lacksTool(t, advice)
	return nil
}

// compileCommand runs a compiler, with a file of its own for OUT.
func compileCommand(t testing.TB, env []string, name string, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "command.wasm")
	for i, arg := range args {
		if arg == "OUT" {
			args[i] = file
		}
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// tool returns the first of some programs that is there.
func tool(t testing.TB, advice string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lacksTool(t, advice)
	return ""
}

// lacksTool skips the test, or fails it where everything should be installed.
func lacksTool(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("there is no %s", what)
	}
	t.Skipf("there is no %s", what)
}
