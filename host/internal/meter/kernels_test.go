package meter

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// cKernels compiles testdata/kernels/kernels.c. Without clang and lld the test is
// skipped, under continuous integration it fails.
func cKernels(t testing.TB) []byte {
	t.Helper()
	for _, clang := range []string{"clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"} {
		path, err := exec.LookPath(clang)
		if err != nil {
			continue
		}
		out := filepath.Join(t.TempDir(), "kernels.wasm")
		cmd := exec.Command(path, "--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry",
			"-o", out, "kernels.c")
		cmd.Dir = filepath.Join("testdata", "kernels")
		if text, err := cmd.CombinedOutput(); err != nil {
			lacks(t, "%s cannot link for wasm32; install lld (apt-get install lld): %v\n%s", clang, err, text)
		}
		return readFile(t, out)
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

// goKernels compiles testdata/kernels/go.
func goKernels(t testing.TB) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "kernels.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-trimpath", "-buildvcs=false", "-o", out, ".")
	cmd.Dir = filepath.Join("testdata", "kernels", "go")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, text)
	}
	return readFile(t, out)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// kernelNames are the exports that take one number and return one.
func kernelNames(mod api.Module) (names []string) {
	for name, def := range mod.ExportedFunctionDefinitions() {
		if len(def.ParamTypes()) == 1 && len(def.ResultTypes()) == 1 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
