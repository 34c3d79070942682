package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Each testdata/valid/NAME.toml gives the Config in NAME.json, lines included.
func TestValid(t *testing.T) {
	elsewhere(t)
	for _, file := range cases(t, "testdata/valid/*.toml", 5) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, errs := Parse("etc/host.toml", data)
			if errs != nil {
				t.Fatal(errs)
			}
			for _, path := range []*string{&c.PluginDir, &c.CacheDir, &c.Store.Path, &c.Server.TLSCert, &c.Server.TLSKey} {
				*path = filepath.ToSlash(*path)
			}
			got, err := json.MarshalIndent(c, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".toml")+".json", string(got)+"\n")
		})
	}
}

// Every key of every section reaches a field of its own: everything.toml sets
// them all, and then nothing is left at its default.
func TestEveryKeyIsRead(t *testing.T) {
	elsewhere(t)
	data, err := os.ReadFile("testdata/valid/everything.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, errs := Parse("everything.toml", data)
	if errs != nil {
		t.Fatal(errs)
	}
	d := Defaults()
	differ(t, "Config", reflect.ValueOf(*c), reflect.ValueOf(*d))
	differ(t, "Plugin", reflect.ValueOf(*c.Plugins["order-2_x"]), reflect.ValueOf(Plugin{Settings: c.Defaults}))
	both := *c.Services["both"]
	both.Remote = c.Services["far"].Remote
	differ(t, "Service", reflect.ValueOf(both), reflect.ValueOf(Service{SRV: c.Services["both"].SRV + "not in the same section"}))
	differ(t, "Service", reflect.ValueOf(c.Services["found"].SRV), reflect.ValueOf(""))
	differ(t, "Service", reflect.ValueOf(both.Remote), reflect.ValueOf(c.Services["found"].Remote))

	for _, s := range sections() {
		for _, k := range s.keys {
			if !mentions(string(data), k.name) {
				t.Errorf("everything.toml does not set %s of %q", k.name, s.header)
			}
		}
	}
}

// elsewhere sets the variables that everything.toml points at.
func elsewhere(t *testing.T) {
	t.Setenv("WASMLANE_TEST_TOKEN", "c2VjcmV0+/=._~-")
	t.Setenv("WASMLANE_TEST_VALUE", "from\nelsewhere")
}

// differ reports fields of a that equal those of b.
func differ(t *testing.T, name string, a, b reflect.Value) {
	if a.Kind() != reflect.Struct || a.Type() == reflect.TypeFor[OptionalDuration]() {
		if reflect.DeepEqual(a.Interface(), b.Interface()) {
			t.Errorf("%s is still %v", name, a)
		}
		return
	}
	for i := range a.NumField() {
		if name := name + "." + a.Type().Field(i).Name; name != "Config.Dir" && name != "Config.Lines" {
			differ(t, name, a.Field(i), b.Field(i))
		}
	}
}

// mentions reports whether a line of the text begins with the key or its header.
func mentions(text, key string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(line, "[")
		if rest, ok := strings.CutPrefix(line, key); ok && strings.ContainsAny(rest[:1], " =].") {
			return true
		}
		if strings.HasSuffix(strings.TrimRight(line, "]\n"), "."+key) {
			return true
		}
	}
	return false
}
