package meter

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// cKernels compiles testdata/kernels/kernels.c.
func cKernels(t testing.TB) []byte {
	t.Helper()
	return wasmtest.Clang(t, filepath.Join("testdata", "kernels", "kernels.c"))
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
