//go:build unix

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/scaffold"
	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

var sizes = flag.Bool("sizes", false, "print the table of sizes in docs/languages.md")

// TestSizes prints how large plugins are, as a table in Markdown: what "wasmlane new"
// writes, and the user service. What cannot be built here is a "-".
func TestSizes(t *testing.T) {
	if !*sizes {
		t.Skip("it measures; run it with -sizes")
	}
	var table strings.Builder
	table.WriteString("| language | `wasmlane new` | the user service |\n|---|---:|---:|\n")
	for _, l := range scaffold.Languages() {
		users := filepath.Join(repository, "examples", strings.ToLower(l.String())+"-users")
		if l == toolchain.Go {
			users = filepath.Join(repository, "plugins", "user")
		}
		t.Run(l.Flag(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "my-greeter")
			newPlugin(t, l, dir)
			prepare(t, l, dir)
			fmt.Fprintf(&table, "| %s | %s | %s |\n", l, size(t, dir), size(t, users))
		})
	}
	fmt.Print(table.String())
}

// size returns the size of the plugin in dir, or "-".
func size(t *testing.T, dir string) string {
	t.Helper()
	scratch := t.TempDir()
	out := filepath.Join(scratch, "plugin.wasm")
	// What compilers keep for the next time is not left in the examples.
	t.Setenv("CARGO_TARGET_DIR", filepath.Join(scratch, "cargo"))
	t.Setenv("ZIG_LOCAL_CACHE_DIR", filepath.Join(scratch, "zig"))
	if r := wasmlane(t, "build", dir, "-o", out); r.code != exitOK {
		t.Log(r.stderr)
		return "-"
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return grouped(info.Size())
}

// grouped writes 1234567 as "1 234 567".
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}
