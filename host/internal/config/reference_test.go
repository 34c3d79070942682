package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// referring points at values in every place that takes a reference.
const referring = `
admin.token = {env = "WASMLANE_TEST_TOKEN"}
store = {backend = "redis", url = {file = "redis-url"}}
discovery.token = {file = "token"}
plugin.a.config = {key = {file = "token"}, plain = "text"}
plugin.b.config.key = {env = "WASMLANE_TEST_TOKEN"}`

// TestReferences: values come from where host.toml points, and are never shown.
func TestReferences(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WASMLANE_TEST_TOKEN", "s3cret-variable")
	for name, text := range map[string]string{"redis-url": "redis://:s3cret@redis:6379/0\n", "token": "s3cret-file\r\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, errs := Parse(filepath.Join(dir, "host.toml"), []byte(referring))
	if errs != nil {
		t.Fatal(errs)
	}
	for what, pair := range map[string][2]string{
		"admin.token":     {c.Admin.Token, "s3cret-variable"},
		"store.url":       {c.Store.URL, "redis://:s3cret@redis:6379/0"},
		"discovery.token": {c.Discovery.Token, "s3cret-file"},
		"a.key":           {c.Plugins["a"].Config["key"], "s3cret-file"},
		"a.plain":         {c.Plugins["a"].Config["plain"], "text"},
		"b.key":           {c.Plugins["b"].Config["key"], "s3cret-variable"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", what, pair[0], pair[1])
		}
	}
	token, url := filepath.Join(dir, "token"), filepath.Join(dir, "redis-url")
	if files := c.ReferencedFiles(); !slices.Equal(files, []string{url, token}) {
		t.Errorf("the files are %q", files)
	}

	all := c.Effective()
	if text := fmt.Sprint(all); strings.Contains(text, "s3cret") {
		t.Errorf("a secret is shown: %s", text)
	}
	if got, want := all["admin"].(map[string]any)["token"], any(map[string]any{"env": "WASMLANE_TEST_TOKEN"}); !reflect.DeepEqual(got, want) {
		t.Errorf("admin.token is shown as %v", got)
	}
	if got, want := c.Plugins["a"].Effective()["config"], any(map[string]any{"key": map[string]any{"file": token}, "plain": Hidden}); !reflect.DeepEqual(got, want) {
		t.Errorf("the configuration of a plugin is shown as %v", got)
	}

	// What is shown means the same when it is written down.
	delete(all, "route")
	var written bytes.Buffer
	if err := toml.NewEncoder(&written).Encode(all); err != nil {
		t.Fatal(err)
	}
	again, errs := Parse(filepath.Join(dir, "host.toml"), written.Bytes())
	if errs != nil {
		t.Fatalf("%v in:\n%s", errs, written.String())
	}
	if again.Admin != c.Admin || again.Store != c.Store || again.Discovery.Token != c.Discovery.Token {
		t.Errorf("got %+v, want %+v", again, c)
	}
}

// TestReferenceOfOneForm: the String of a reference is how it is written.
func TestReferenceOfOneForm(t *testing.T) {
	for _, r := range []Reference{{Env: "TOKEN"}, {File: "/run/secrets/a b"}} {
		var values map[string]map[string]string
		if err := toml.Unmarshal([]byte("x = "+r.String()), &values); err != nil {
			t.Fatal(err)
		}
		if got := (Reference{values["x"]["env"], values["x"]["file"]}); got != r {
			t.Errorf("%s reads as %+v", r, got)
		}
	}
}

// TestReferencedFile: one line break at the end is no part of a value; a file of any
// size, and what is no file, come to an end.
func TestReferencedFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "value")
	read := func(text string) (*Config, Errors) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Parse(filepath.Join(dir, "host.toml"), []byte(`plugin.a.config.key = {file = "value"}`))
	}
	largest := strings.Repeat("x", maxReferenced)
	for text, want := range map[string]string{
		"a": "a", "a\n": "a", "a\r\n": "a", "a\n\n": "a\n", " a \n": " a ", "a\r": "a\r", "a\nb\n": "a\nb",
		largest: largest, largest + "\n": largest, largest + "\r\n": largest,
	} {
		if c, errs := read(text); errs != nil || c.Plugins["a"].Config["key"] != want {
			t.Errorf("%.10q: %.10q, %v", text, c.Plugins["a"].Config["key"], errs)
		}
	}
	for text, want := range map[string]string{"": "is empty", "\n": "is empty", largest + "x": "is over 64KiB", largest + largest: "is over 64KiB"} {
		c, errs := read(text)
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), "host.toml:1: plugin.a.config.key: the value of { file = ") || !strings.Contains(errs[0].Message, want) {
			t.Errorf("%.10q: %v, want %q", text, errs, want)
		}
		// Whoever waits for the file still learns of it.
		if files := c.ReferencedFiles(); !slices.Equal(files, []string{file}) {
			t.Errorf("%.10q: the files are %q", text, files)
		}
	}
}
