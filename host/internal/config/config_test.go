package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "host.toml")
	write(t, file, "plugin_dir = \"p\"\n[store]\npath = \"/data/x.db\"\n")
	c, errs := Load(file)
	if errs != nil {
		t.Fatal(errs)
	}
	if c.File != file || c.Dir != dir {
		t.Errorf("File %q and Dir %q, want %q and %q", c.File, c.Dir, file, dir)
	}
	for got, want := range map[string]string{
		c.PluginDir:      filepath.Join(dir, "p"),
		c.CacheDir:       filepath.Join(dir, ".wasmlane", "cache"),
		c.Server.TLSCert: "",
	} {
		if got != want {
			t.Errorf("got path %q, want %q", got, want)
		}
	}
	if filepath.IsAbs("/data/x.db") && c.Store.Path != "/data/x.db" {
		t.Errorf("absolute path became %q", c.Store.Path)
	}
}

func TestLoadUnreadable(t *testing.T) {
	dir := t.TempDir()
	missing, large, broken := filepath.Join(dir, "no.toml"), filepath.Join(dir, "large.toml"), filepath.Join(dir, "broken.toml")
	write(t, large, strings.Repeat("# filler\n", maxFile/9+1))
	write(t, broken, "[server\n")
	for path, want := range map[string]string{
		missing: missing + ": no such file; create it, or name another with -c FILE",
		dir:     dir + ": is a directory; name the file, as in -c " + filepath.Join(dir, "host.toml"),
		large:   large + ": is larger than 1MiB; name the configuration with -c FILE",
		broken:  broken + `:1: no valid TOML: expected '.' or ']' to end table name, but got the end of the line instead; close the header with "]"`,
	} {
		c, errs := Load(path)
		if c != nil {
			t.Errorf("%s gave a Config", path)
		}
		if errs.Error() != want {
			t.Errorf("got  %s\nwant %s", errs, want)
		}
	}
	// What a name with a NUL gives has no case of its own.
	if _, errs := Load("a\x00b"); len(errs) != 1 || !strings.Contains(errs[0].Message, "cannot be read") {
		t.Errorf("got %v", errs)
	}
}

// With errors the rest of the file is still there for later stages.
func TestParseKeepsWhatIsRight(t *testing.T) {
	c, errs := Parse("host.toml", []byte(`
[server]
listen = "nowhere"
backlog = 7
[defaults]
timeout = "3s"
memory = "much"
[plugin.user]
memory = "1MiB"
queue = "soon"
[service.user]
targets = ["local", 5]
[[route]]
path = "/good"
handler = "user.good"
timeout = "bad"
[[route]]
path = "bad"
handler = "user.a"
[[route]]
path = "/bad"
handler = "bad"
[[route]]
path = "/bad"
handler = "user.a"
method = "bad"
[[route]]
path = "/bad"
[[route]]
handler = "user.bad"
[[route]]
path = "/last"
handler = "user.last"
`))
	if len(errs) != 10 {
		t.Errorf("got %d errors, want 10:\n%s", len(errs), errs)
	}
	if c.Server.Listen != "0.0.0.0:8001" || c.Server.Backlog != 7 {
		t.Errorf("got server %+v", c.Server)
	}
	want := Defaults().Defaults
	want.Timeout = 3 * time.Second
	if c.Defaults != want {
		t.Errorf("got defaults %+v, want %+v", c.Defaults, want)
	}
	want.Memory = mib
	if got := c.Plugins["user"].Settings; got != want {
		t.Errorf("got plugin %+v, want %+v", got, want)
	}
	if c.Services["user"] == nil {
		t.Error("the service is gone")
	}
	if len(c.Routes) != 2 || c.Routes[0].Path != "/good" || c.Routes[1].Path != "/last" || c.Routes[0].Timeout != 0 {
		t.Errorf("got routes %+v", c.Routes)
	}
}

func TestPluginWithoutSection(t *testing.T) {
	c, errs := Parse("host.toml", []byte("[defaults]\nmemory = \"1MiB\"\n[plugin.a]\nstore = \"s\"\n"))
	if errs != nil {
		t.Fatal(errs)
	}
	if p := c.Plugin("a"); p.Store != "s" || p.Memory != mib {
		t.Errorf("got %+v", p)
	}
	if p := c.Plugin("b"); p.Name != "b" || p.Memory != mib || p.Store != "" || p.Lines.Of("store") != 0 {
		t.Errorf("got %+v", p)
	}
}

func TestErrorText(t *testing.T) {
	c := &Config{File: "host.toml"}
	for want, err := range map[string]Error{
		`host.toml:14: route.timeout: "soon" is no duration`: c.Error(14, "route.timeout", "%q is no duration", "soon"),
		"host.toml:3: message":                               c.Error(3, "", "message"),
		"host.toml: server.listen: message":                  c.Error(0, "server.listen", "message"),
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err.Error(), want)
		}
		var as Error
		if !errors.As(error(err), &as) || as.File != "host.toml" {
			t.Errorf("%v is lost", err)
		}
	}
}

func TestLinesOf(t *testing.T) {
	c, errs := Parse("host.toml", []byte("plugin_dir = \"p\"\n[server]\nlog.x = 1\n\nlisten = \":1\"\n[plugin.a]\n\nstore = \"s\"\n"))
	if len(errs) != 1 {
		t.Fatal(errs)
	}
	for _, l := range []struct{ got, want int }{
		{c.Lines.Of("plugin_dir"), 1},
		{c.Lines.Of("server"), 2},
		{c.Lines.Of("server.listen"), 5},
		{c.Lines.Of("server.ttl"), 0},
		{c.Plugins["a"].Lines.Of("store"), 8},
		{c.Plugins["a"].Lines.Of("calls"), 6},
	} {
		if l.got != l.want {
			t.Errorf("got line %d, want %d", l.got, l.want)
		}
	}
}

func TestNearest(t *testing.T) {
	options := []string{"listen", "nodelay", "max_body", "max_response", "max_connections", "tls_key", "ttl"}
	for name, want := range map[string]string{
		"nodelya":        "nodelay",
		"no-delay":       "nodelay",
		"MaxBody":        "max_body",
		"max":            "", // which of them?
		"max_c":          "max_connections",
		"max_conections": "max_connections",
		"listen_on":      "listen",
		"tls":            "tls_key",
		"ttt":            "ttl",
		"":               "",
		"\xff":           "",
		"something":      "",
	} {
		if got := Nearest(name, options); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", name, got, want)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
