package config

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// What Effective says can be written down as a host.toml that means the same.
func TestEffectiveMeansTheSame(t *testing.T) {
	text := `
server.linger = "5s"
server.http_buffer_size = 4097
server.read_timeout = "1m30s"
store.backend = "memory"
log.access = false
plugin.user = {store = "users", calls = ["user"], memory = "1MiB", sha256 = "` + strings.Repeat("ab", 32) + `"}
plugin.order.outbound = ["https://api.example.com"]
service.user.targets = ["local"]
service.far = {targets = ["http://10.0.0.2:8001"], retries = 3, try_timeout = "250ms", check = "/ready", check_interval = "1s"}
service.found = {srv = "_http._tcp.found.internal", max_outstanding = 9}
discovery.dns = "127.0.0.1:8600"
route = [
	{path = "/users/{id}", handler = "user.get_user", timeout = "500ms"},
	{path = "/rules", handler = "user.rules", max_body = "1KiB", rate = "5/m", rate_by = "header:X-Key", cors_origins = ["http://a.example"], cors_credentials = true, headers = {X-A = "b"}},
	{path = "/s", handler = "user.stream", timeout = "off", method = ["GET", "PUT"]},
	{path = "/health", handler = "@health", method = "GET"},
]`
	want, errs := Parse("host.toml", []byte(text))
	if errs != nil {
		t.Fatal(errs)
	}
	all := want.Effective()
	for _, s := range all["service"].(map[string]any) { // a service has no key that is empty
		maps.DeleteFunc(s.(map[string]any), func(_ string, v any) bool {
			value := reflect.ValueOf(v)
			return (value.Kind() == reflect.String || value.Kind() == reflect.Slice) && value.Len() == 0
		})
	}
	var written bytes.Buffer
	if err := toml.NewEncoder(&written).Encode(all); err != nil {
		t.Fatal(err)
	}
	got, errs := Parse("host.toml", written.Bytes())
	if errs != nil {
		t.Fatalf("%v in:\n%s", errs, written.String())
	}
	if a, b := fmt.Sprint(got.Effective()), fmt.Sprint(want.Effective()); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
	if got.Server != want.Server || got.Defaults != want.Defaults || got.Plugins["user"].Memory != want.Plugins["user"].Memory {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// Every key is in Effective.
func TestEffectiveHasEveryKey(t *testing.T) {
	c, errs := Parse("host.toml", []byte("plugin.a.timeout = \"1s\"\nservice.a = {targets = [\"http://a\"], check = \"/\"}\n"+
		"route = [{path = \"/\", handler = \"a.b\", method = \"GET\", timeout = \"1s\", max_body = 9, rate = \"1/s\", cors_origins = [\"*\"], compress = true}]"))
	if errs != nil {
		t.Fatal(errs)
	}
	all := c.Effective()
	for _, s := range sections() {
		section := all
		switch s.header {
		case "":
		case "[[route]]":
			section = all["route"].([]map[string]any)[0]
		case "[plugin.NAME]", "[service.NAME]":
			section = all[s.header[1:len(s.header)-len(".NAME]")]].(map[string]any)["a"].(map[string]any)
		default:
			section = all[strings.Trim(s.header, "[]")].(map[string]any)
		}
		for _, k := range s.keys {
			if _, ok := section[k.name]; !ok {
				t.Errorf("%s of %q is not shown; there are %q", k.name, s.header, slices.Sorted(maps.Keys(section)))
			}
		}
	}
}

func TestEffectiveHidesSecrets(t *testing.T) {
	c, errs := Parse("host.toml", []byte(`
admin.token = "s3cret-token-s3cret"
store = {backend = "redis", url = "rediss://me:pass-s3cret@redis:6379/2"}
discovery.token = "s3cret"
plugin.a.config = {key = "s3cret", empty = ""}`))
	if errs != nil {
		t.Fatal(errs)
	}
	if text := fmt.Sprint(c.Effective()); strings.Contains(text, "s3cret") || strings.Count(text, Hidden) != 4 {
		t.Error(text)
	}
	for url, want := range map[string]string{
		"":                           "",
		"redis://host:6379/0":        "redis://host:6379/0",
		"redis://:p@host:6379/0":     "redis://(hidden)@host:6379/0",
		"redis://me:p@host/0":        "redis://me:(hidden)@host/0",
		"redis://host/0?password=xx": "redis://host/0",
		"no url %zz":                 Hidden,
	} {
		if got := hidePassword(url); got != want {
			t.Errorf("%q is shown as %q, want %q", url, got, want)
		}
	}
}
