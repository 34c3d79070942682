package suite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

// BuildForTest builds the plugin in dir and returns its file; nothing is left in dir.
// Where the compiler is missing it skips the test and says what to install, or fails
// it when CI is true.
func BuildForTest(t testing.TB, dir string) string {
	t.Helper()
	scratch := t.TempDir()
	var said bytes.Buffer
	built, err := toolchain.Job{
		Dir: dir,
		Out: filepath.Join(scratch, "plugin.wasm"),
		Env: []string{
			"CARGO_TARGET_DIR=" + filepath.Join(scratch, "cargo"), "CARGO_NET_OFFLINE=true",
			"ZIG_LOCAL_CACHE_DIR=" + filepath.Join(scratch, "zig"),
		},
		Stdout: &said, Stderr: &said,
	}.Build(t.Context())
	var missing *toolchain.MissingError
	switch {
	case errors.As(err, &missing) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatalf("%v\n%s", err, said.Bytes())
	}
	return built.File
}
