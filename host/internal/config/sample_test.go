package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
)

// sample is the commented host.toml at the root of the repository.
func sample(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash("../../../host.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What the sample says is what leaving it out means.
func TestSampleHoldsTheDefaults(t *testing.T) {
	got, errs := Parse("host.toml", sample(t))
	if errs != nil {
		t.Fatal(errs)
	}
	want := Defaults()
	want.join()
	want.Plugins, want.Services, want.Routes, want.Lines = got.Plugins, got.Services, got.Routes, got.Lines
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the sample says\n%+v\nthe defaults are\n%+v", got, want)
	}
}

// Every key stands in the sample, those without a default commented out.
func TestSampleHasEveryKey(t *testing.T) {
	c := &Config{File: "host.toml"}
	_, values, problem := c.decode(string(sample(t)))
	if problem != nil {
		t.Fatal(problem)
	}
	text := regexp.MustCompile(`(?m)^# (\[|[a-z0-9_]+ +=)`).ReplaceAll(sample(t), []byte("$1"))
	_, all, problem := c.decode(string(text))
	if problem != nil {
		t.Fatalf("with its commented lines: %v", problem)
	}
	if _, errs := Parse("host.toml", text); errs != nil {
		t.Errorf("with its commented lines:\n%v", errs)
	}
	dig := func(values map[string]any, header string) []map[string]any {
		switch header {
		case "":
			return []map[string]any{values}
		case "[[route]]":
			return values["route"].([]map[string]any)
		case "[plugin.NAME]", "[service.NAME]":
			var some []map[string]any
			for _, v := range values[header[1:len(header)-len(".NAME]")]].(map[string]any) {
				some = append(some, v.(map[string]any))
			}
			return some
		}
		section, _ := values[header[1:len(header)-1]].(map[string]any)
		return []map[string]any{section}
	}
	for _, s := range sections() {
		in := values
		if s.header == "[plugin.NAME]" || s.header == "[service.NAME]" || s.header == "[[route]]" {
			in = all
		}
		for _, k := range s.keys {
			found := false
			for _, table := range dig(in, s.header) {
				_, here := table[k.name]
				found = found || here
			}
			if !found {
				t.Errorf("host.toml lacks %s of %q", k.name, s.header)
			}
		}
	}
}

// Every field of a section has a key, so that no default is out of reach.
func TestEveryFieldHasAKey(t *testing.T) {
	for _, s := range sections() {
		var fields int
		switch s.header {
		case "[server]":
			fields = reflect.TypeFor[Server]().NumField()
		case "[admin]":
			fields = reflect.TypeFor[Admin]().NumField()
		case "[log]":
			fields = reflect.TypeFor[Log]().NumField()
		case "[store]":
			fields = reflect.TypeFor[Store]().NumField()
		case "[discovery]":
			fields = reflect.TypeFor[Discovery]().NumField()
		case "[trace]":
			fields = reflect.TypeFor[Trace]().NumField()
		case "[traffic]":
			fields = reflect.TypeFor[Traffic]().NumField()
		case "[defaults]":
			fields = reflect.TypeFor[Settings]().NumField()
		default:
			continue
		}
		if fields != len(s.keys) {
			t.Errorf("%s has %d fields and %d keys", s.header, fields, len(s.keys))
		}
	}
}

// The README shows what a typing mistake in the sample gives.
func TestReadmeShowsAnError(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../../../README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^    (host\.toml:\d+: .*)$`).FindSubmatch(text)
	if shown == nil {
		t.Fatal("README.md shows no error of host.toml")
	}
	_, errs := Parse("host.toml", bytes.Replace(sample(t), []byte("\nnodelay "), []byte("\nnodelya "), 1))
	if len(errs) != 1 || errs[0].Error() != string(shown[1]) {
		t.Errorf("README.md shows\n%s\nfor \"nodelya\" in place of \"nodelay\"; the host says\n%v", shown[1], errs)
	}
}
