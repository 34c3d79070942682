package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setup is what stands in a host's directory before it opens.
type setup struct {
	keys   string            // top of host.toml; sections as dotted keys: server.max_body = "1KiB"
	routes string            // "METHOD /path HANDLER [key = value]", one a line; * is any method
	guests map[string]*guest // the plugins; each handler is routed at /PLUGIN/HANDLER, any method
	files  map[string][]byte // other files, by their path
}

// toml returns the text of host.toml.
func (s *setup) toml() string {
	var b, keys strings.Builder
	for line := range strings.Lines(s.keys) {
		keys.WriteString(strings.TrimSpace(line) + "\n")
	}
	for _, line := range []string{
		`server.listen = "127.0.0.1:0"`, `admin.listen = ""`, `store.backend = "memory"`,
		`log.format = "json"`, `log.level = "debug"`,
	} {
		key, _, _ := strings.Cut(line, "=")
		if !strings.Contains("\n"+keys.String(), "\n"+key) {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString(keys.String() + "\n")
	for name, g := range s.guests {
		for _, handler := range g.handlers() {
			fmt.Fprintf(&b, "[[route]]\npath = \"/%s/%s\"\nhandler = \"%s.%s\"\n", name, handler, name, handler)
		}
	}
	for line := range strings.Lines(s.routes) {
		parts := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(parts) < 3 {
			continue
		}
		fmt.Fprintf(&b, "[[route]]\npath = %q\nhandler = %q\n", parts[1], parts[2])
		if parts[0] != "*" {
			fmt.Fprintf(&b, "method = %q\n", parts[0])
		}
		b.WriteString(strings.Join(parts[3:], "") + "\n")
	}
	return b.String()
}

// write fills a directory. Plugins that are not in s stay.
func (s *setup) write(t testing.TB, dir string) (file string) {
	t.Helper()
	files := map[string][]byte{"host.toml": []byte(s.toml()), "plugins/README": []byte("not a plugin\n")}
	for name, g := range s.guests {
		files["plugins/"+name+".wasm"] = g.bytes()
	}
	for name, b := range s.files {
		files[name] = b
	}
	for name, b := range files {
		put(t, filepath.Join(dir, name), b)
	}
	return filepath.Join(dir, "host.toml")
}

// put writes a file, whole or not at all for whoever watches it.
func put(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(filepath.Dir(file), ".part")
	if err := os.WriteFile(part, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(part, file); err != nil {
		t.Fatal(err)
	}
}

// rewrite replaces a text of host.toml.
func (r *rig) rewrite(old, text string) {
	r.t.Helper()
	b, err := os.ReadFile(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		r.t.Fatalf("host.toml does not hold %q:\n%s", old, b)
	}
	put(r.t, r.file, []byte(strings.ReplaceAll(string(b), old, text)))
}

// update replaces host.toml and the plugins by those of another setup.
func (r *rig) update(s setup) {
	r.t.Helper()
	old, err := filepath.Glob(filepath.Join(r.dir, "plugins", "*.wasm"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, file := range old {
		name := strings.TrimSuffix(filepath.Base(file), ".wasm")
		if s.guests[name] == nil && s.files["plugins/"+name+".wasm"] == nil {
			if err := os.Remove(file); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	s.write(r.t, r.dir)
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
