//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// volume is a directory as the kubelet keeps one for a ConfigMap, a Secret or a
// projected volume: every file is a link through ..data, and ..data a link to a
// directory that never changes.
type volume struct {
	t   *testing.T
	dir string
	n   int
}

func (s *site) mount(name string) *volume {
	s.t.Helper()
	if err := os.MkdirAll(s.path(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return &volume{t: s.t, dir: s.path(name)}
}

// update does what the kubelet's atomic writer does, step by step and in its order.
func (v *volume) update(files map[string]string) {
	v.t.Helper()
	do := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	path := func(name string) string { return filepath.Join(v.dir, name) }
	before, _ := os.Readlink(path("..data"))

	// A new directory, named after the time, with all the files whole.
	v.n++
	version := fmt.Sprintf("..2026_11_25_18_25_%02d.%09d", v.n, v.n)
	do(os.Mkdir(path(version), 0o755))
	for name, text := range files {
		do(os.WriteFile(path(version+"/"+name), []byte(text), 0o644))
	}
	// The link to it takes the place of the one before, in one step.
	do(os.Symlink(version, path("..data_tmp")))
	do(os.Rename(path("..data_tmp"), path("..data")))
	// Links for new files; those of files that are gone go.
	for name := range files {
		if _, err := os.Lstat(path(name)); err != nil {
			do(os.Symlink("..data/"+name, path(name)))
		}
	}
	entries, err := os.ReadDir(v.dir)
	do(err)
	for _, e := range entries {
		if _, wanted := files[e.Name()]; !wanted && !strings.HasPrefix(e.Name(), "..") {
			do(os.Remove(path(e.Name())))
		}
	}
	// The directory before goes last.
	if before != "" {
		do(os.RemoveAll(path(before)))
	}
}

// A ConfigMap with host.toml and a volume of plugins, both mounted as directories.
func TestKubernetesVolumes(t *testing.T) {
	t.Parallel()
	s := emptySite(t)
	config, plugins := s.mount("config"), s.mount("modules")
	text := func(answer string) string {
		return "plugin_dir = \"../modules\"\n" + smallConfig(t, fmt.Sprintf(`
[[route]]
path    = "/say"
handler = "say.nap"
[[route]]
path    = %q
handler = "@health"
`, answer))
	}
	wasm := func(words string) string { return naps(0, words) }
	config.update(map[string]string{"host.toml": text("/one")})
	plugins.update(map[string]string{"say.wasm": wasm("first")})
	p := s.start("-c", "config/host.toml")
	says := func(want string) {
		t.Helper()
		p.wait("the plugin that says "+want, func() bool { r := p.get("/say"); return r.status == 200 && r.body == want })
	}
	says("first")
	p.get("/one").want(200)

	// Again and again: a watch of the first directory would see one change only.
	for _, path := range []string{"/two", "/three", "/four"} {
		config.update(map[string]string{"host.toml": text(path)})
		p.wait(path, func() bool { return p.get(path).status == 200 })
	}
	for _, words := range []string{"second", "third!", "fourth"} { // of one size
		plugins.update(map[string]string{"say.wasm": wasm(words)})
		says(words)
	}

	// What is broken changes nothing, and the next that is well is taken up.
	config.update(map[string]string{"host.toml": "[server\n"})
	p.expectLog("reload failed; nothing was changed")
	says("fourth")
	config.update(map[string]string{"host.toml": text("/five"), "unrelated.txt": "x"})
	p.wait("/five", func() bool { return p.get("/five").status == 200 })

	// A plugin that is new and one that goes.
	config.update(map[string]string{"host.toml": strings.Replace(text("/six"), "say.nap", "tell.nap", 1)})
	p.expectLog("reload failed; nothing was changed")
	plugins.update(map[string]string{"tell.wasm": wasm("of it!")})
	says("of it!")
	if p.hash("tell") == "" || p.hash("say") != "" {
		t.Error("the plugin whose file went is still loaded, or the new one is not")
	}
	p.stop()
}
