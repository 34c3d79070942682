package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the cases in testdata give as what they should give")

// Each testdata/errors/NAME.toml gives the errors in NAME.err, one a line.
func TestErrors(t *testing.T) {
	for _, file := range cases(t, "testdata/errors/*.toml", 40) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, errs := Parse("host.toml", data)
			golden(t, strings.TrimSuffix(file, ".toml")+".err", errs.Error()+"\n")
			if strings.Contains(errs.Error(), "hunter") {
				t.Error("an error shows a secret")
			}
		})
	}
}

// Line ends and a byte order mark change no error.
func TestErrorsInOtherDress(t *testing.T) {
	for _, file := range cases(t, "testdata/errors/*.toml", 40) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("\r")) || bytes.Contains(data, []byte("\x00")) || bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
			continue
		}
		_, want := Parse("host.toml", data)
		for name, dressed := range map[string][]byte{
			"CRLF":            bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")),
			"byte order mark": append([]byte("\xef\xbb\xbf"), data...),
		} {
			if _, got := Parse("host.toml", dressed); got.Error() != want.Error() {
				t.Errorf("%s with %s:\n%s\nwant\n%s", file, name, got, want)
			}
		}
	}
}

// cases returns the files that the pattern matches, at least that many.
func cases(t *testing.T, pattern string, least int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash(pattern))
	if err != nil || len(files) < least {
		t.Fatalf("%s: %d files (%v), want at least %d", pattern, len(files), err, least)
	}
	return files
}

// golden compares got with the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run go test -update and read what it wrote", err)
	}
	if want := strings.ReplaceAll(string(want), "\r\n", "\n"); got != want {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}
