package proof

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// byName are the edits of order.toml with which the hosts of user are found by name.
var byName = []string{
	`targets        = ["http://10.0.0.11:8001", "http://10.0.0.12:8001"]`,
	`srv            = "_http._tcp.user.internal"`,
}

// The guide shows the files that the test runs with.
func TestGuideShowsTheFiles(t *testing.T) {
	guide := readFile(t, filepath.FromSlash("../../../docs/several-hosts.md"))
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		if text := readFile(t, file); !strings.Contains(guide, "\n```"+language(file)+"\n"+text+"```\n") {
			t.Errorf("docs/several-hosts.md does not show %s as it is:\n%s", file, text)
		}
	}
	if order := readFile(t, "testdata/order.toml"); !strings.Contains(order, byName[0]) {
		t.Errorf("order.toml has no line %s to be edited", byName[0])
	}
	if !strings.Contains(guide, "\n"+byName[1]+"\n") {
		t.Errorf("docs/several-hosts.md does not show the line\n%s", byName[1])
	}
}

// language is what the guide says of a block.
func language(file string) string {
	if filepath.Ext(file) == ".toml" {
		return "toml"
	}
	return ""
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
