package suite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// BuildForTest builds the plugin in dir and returns its file. Where the compiler
// is missing it skips the test, or fails it when CI is true.
func BuildForTest(t testing.TB, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "plugin.wasm")
	err := Build(dir, out)
	var missing *MissingError
	switch {
	case errors.As(err, &missing) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return out
}
