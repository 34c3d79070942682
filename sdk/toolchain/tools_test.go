//go:build unix

package toolchain

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPrograms(t *testing.T) {
	dir := directory(t, "a/tool", "b/tool", "b/other", "d/tool")
	for _, file := range []string{"a/tool", "b/tool"} {
		if err := os.Chmod(filepath.Join(dir, file), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var path []string
	for _, name := range []string{"b", "link", "a", "none", "d"} {
		path = append(path, filepath.Join(dir, name))
	}
	// In the order of the path, once each, and those that can be run.
	want := []string{filepath.Join(dir, "b", "tool"), filepath.Join(dir, "link", "tool")}
	if got := programs(append([]string{"", "."}, path...), "tool"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := programs(path, "other"); len(got) > 0 {
		t.Errorf("got %q, which cannot be run", got)
	}
}

func TestRealTools(t *testing.T) {
	tools := realTools(context.Background())
	if got, err := tools.ask(t.TempDir(), []string{"GREETING=hello"}, tools.find("sh"), "-c", "echo $GREETING"); got != "hello" || err != nil {
		t.Errorf("got %q %v", got, err)
	}
	if !slices.Contains(tools.all("sh"), tools.find("sh")) || tools.find("no-such-program") != "" {
		t.Errorf("sh is at %q, and %q is found", tools.all("sh"), tools.find("sh"))
	}
}
