package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// site is a directory as a user has it: host.toml, plugins, and the data.
type site struct {
	t   *testing.T
	dir string
}

// newSite makes a site from the repository's own host.toml, with the plugins it
// asks for. Only the addresses are others, and the cache is shared.
func newSite(t *testing.T) *site {
	t.Helper()
	s := emptySite(t)
	s.write("host.toml", sampleConfig(t))
	for _, name := range []string{"user", "order"} {
		s.write("plugins/"+name+".wasm", read(t, plugin(t, name)))
	}
	return s
}

// emptySite makes a site with an empty directory for plugins and no host.toml.
func emptySite(t *testing.T) *site {
	t.Helper()
	s := &site{t, t.TempDir()}
	if err := os.Mkdir(s.path("plugins"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// sampleConfig is the repository's host.toml, on free ports of the loopback
// interface, and with time for handlers on a machine that has other things to do.
func sampleConfig(t *testing.T) string {
	t.Helper()
	return replaced(t, read(t, filepath.Join(repository, "host.toml")),
		`"0.0.0.0:8001"`, `"127.0.0.1:0"`,
		`"127.0.0.1:9001"`, `"127.0.0.1:0"`,
		`".wasmlane/cache"`, strconv.Quote(cacheDir(t)),
		"\n"+`timeout      = "2s"`, "\n"+`timeout = "30s"`,
	)
}

// smallConfig is the configuration of a site without the sample's routes: free
// ports, a store in memory, and then what the test adds.
func smallConfig(t *testing.T, added string) string {
	t.Helper()
	return "cache_dir = " + strconv.Quote(cacheDir(t)) + `
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
backend = "memory"
[defaults]
timeout = "30s"
` + added
}

// replaced replaces texts, given in pairs, each of which must be there.
func replaced(t *testing.T, s string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			t.Fatalf("there is no %s to replace in:\n%s", pairs[i], s)
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// write puts a file into the site in one step, as "make plugins" does and as
// editors do.
func (s *site) write(name, content string) {
	s.t.Helper()
	path := s.path(name)
	// The file beside has a dot first: the host takes no notice of it.
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.WriteFile(beside, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(beside, path); err != nil {
		s.t.Fatal(err)
	}
}

// overwrite writes to a file in place, so that the host may see it half written.
func (s *site) overwrite(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// edit replaces texts of host.toml, given in pairs.
func (s *site) edit(pairs ...string) {
	s.t.Helper()
	s.write("host.toml", replaced(s.t, read(s.t, s.path("host.toml")), pairs...))
}

func (s *site) remove(name string) {
	s.t.Helper()
	if err := os.Remove(s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
