package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// site is a host.toml and its plugin directory. What is not set has its default:
// the figures are about what a user gets.
type site struct {
	isolation string
	access    bool
	plugins   []sitePlugin
	routes    []string
	err       error // the first one
}

type sitePlugin struct {
	name, settings string
	binary         []byte
}

// plugin adds a file of bench/out under a name.
func (s *site) plugin(w *workshop, name, file string) {
	binary, err := os.ReadFile(w.made(file))
	if err != nil && s.err == nil {
		s.err = err
	}
	s.plugins = append(s.plugins, sitePlugin{name: name, binary: binary})
}

func (s *site) route(method, path, handler string) {
	s.routes = append(s.routes, fmt.Sprintf("[[route]]\nmethod  = %q\npath    = %q\nhandler = %q\n", method, path, handler))
}

// write lays the site out in a directory. The listener's address is filled in when
// the host is started.
func (s *site) write(dir string) error {
	if s.err != nil {
		return s.err
	}
	plugins := filepath.Join(dir, "plugins")
	if err := os.MkdirAll(plugins, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprint(&text, "[server]\nlisten = \"127.0.0.1:{port}\"\n\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\n[store]\nbackend = \"memory\"\n\n")
	fmt.Fprintf(&text, "[log]\naccess = %t\n\n", s.access)
	if s.isolation != "" {
		fmt.Fprintf(&text, "[defaults]\nisolation = %q\n\n", s.isolation)
	}
	for _, p := range s.plugins {
		if err := os.WriteFile(filepath.Join(plugins, p.name+".wasm"), p.binary, 0o644); err != nil {
			return err
		}
		if p.settings != "" {
			fmt.Fprintf(&text, "[plugin.%s]\n%s\n\n", p.name, p.settings)
		}
	}
	text.WriteString(strings.Join(s.routes, "\n"))
	return os.WriteFile(filepath.Join(dir, "host.toml.in"), []byte(text.String()), 0o644)
}

// wasmlane returns how to start the host on a site, which is written anew.
func (w *workshop) wasmlane(name string, s *site) launch {
	dir := filepath.Join(w.work, name)
	if err := s.write(dir); err != nil {
		w.say("%s: %v", name, err) // the start then says that there is no host.toml
	}
	return launch{args: []string{w.made("wasmlane"), "run", "-c", filepath.Join(dir, "host.toml")}, dir: dir}
}
