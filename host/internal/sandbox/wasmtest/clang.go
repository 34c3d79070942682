package wasmtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Clang compiles a file of C to a module, for the tests that want what a compiler
// makes. Without a clang that knows WebAssembly, and its linker, the test is
// skipped; under continuous integration it fails.
func Clang(t testing.TB, file string) []byte {
	t.Helper()
	for _, name := range []string{"clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out := filepath.Join(t.TempDir(), "guest.wasm")
		cmd := exec.Command(path, "--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry", "-o", out, filepath.Base(file))
		cmd.Dir = filepath.Dir(file)
		if text, err := cmd.CombinedOutput(); err != nil {
			lacks(t, "%s cannot compile %s for wasm32; install lld, of the same version (apt-get install lld): %v\n%s", name, file, err, text)
		}
		wasm, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return wasm
	}
	lacks(t, "no clang; install clang and lld (apt-get install clang lld)")
	return nil
}

// lacks ends a test for want of a program.
func lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
