package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// check reports what is wrong between keys that are right by themselves.
func (c *Config) check(root place) {
	c.checkServer(root.in("server"))
	c.checkAdmin(root)
	c.Traffic.check(root.in("traffic"), false)
	c.Store.check(root.in("store"))
	c.checkDiscovery(root)
	for _, name := range slices.Sorted(maps.Keys(c.Plugins)) {
		c.checkCalls(c.Plugins[name], root)
		c.checkRedirects(c.Plugins[name], root)
	}
	for _, dir := range []string{"plugin_dir", "cache_dir"} {
		value := map[string]string{"plugin_dir": c.PluginDir, "cache_dir": c.CacheDir}[dir]
		if strings.HasSuffix(value, ".wasm") {
			root.in(dir).fail("names a file; write its directory, %q", filepath.ToSlash(filepath.Dir(value)))
		}
	}
	if filepath.Clean(c.PluginDir) == filepath.Clean(c.CacheDir) {
		whichever(root.in("cache_dir"), root.in("plugin_dir")).fail("plugin_dir and cache_dir are the same directory; give the cache its own, for it is pruned")
	}
}

// whichever returns the first place that the file sets, else the first.
func whichever(places ...place) place {
	for _, p := range places {
		if p.set() {
			return p
		}
	}
	return places[0]
}

func (c *Config) checkServer(at place) {
	s := &c.Server
	cert, key := at.in("tls_cert"), at.in("tls_key")
	switch {
	case cert.broken() || key.broken():
	case s.TLSCert != "" && s.TLSKey == "":
		whichever(key, cert).fail("tls_cert is set and tls_key is not; set both or neither")
	case s.TLSKey != "" && s.TLSCert == "":
		whichever(cert, key).fail("tls_key is set and tls_cert is not; set both or neither")
	}
	if body, memory := at.in("max_body"), at.in("body_memory"); s.BodyMemory < s.MaxBody && !body.broken() && !memory.broken() {
		whichever(memory, body).fail("body_memory is %s and max_body %s, so that no such body could ever be read; raise the one or lower the other",
			formatSize(s.BodyMemory), formatSize(s.MaxBody))
	}
	for _, r := range c.Routes {
		if r.MaxBody > s.BodyMemory {
			*at.errs = append(*at.errs, c.Error(r.Lines.Of("max_body"), "route.max_body",
				"%s is over server.body_memory of %s, so that no such body could ever be read; raise the one or lower the other",
				formatSize(r.MaxBody), formatSize(s.BodyMemory)))
		}
	}
}

func (c *Config) checkAdmin(root place) {
	listen, token := root.in("admin").in("listen"), root.in("admin").in("token")
	if c.Admin.Listen == "" || listen.broken() {
		return
	}
	if c.Admin.Token == "" && !token.broken() && !loopback(c.Admin.Listen) {
		at := token
		if !at.own {
			at.node = listen.node
		}
		at.fail(`required, for other machines reach %q; write a token, or listen on "127.0.0.1:9001"`, c.Admin.Listen)
	}
	if upload := root.in("admin").in("upload"); c.Admin.Upload && c.Admin.Token == "" && !token.broken() {
		upload.fail("uploads need a token; write one, or upload = false")
	}
	if server := root.in("server").in("listen"); sameAddress(c.Admin.Listen, c.Server.Listen) && !server.broken() {
		whichever(listen, server).fail("admin.listen %q and server.listen %q cannot share a port; give one another port", c.Admin.Listen, c.Server.Listen)
	}
}

func (s *Store) check(at place) {
	backend, url, path := at.in("backend"), at.in("url"), at.in("path")
	switch {
	case backend.broken() || url.broken():
	case s.Backend == "redis" && s.URL == "":
		whichever(url, backend).fail(`backend "redis" needs a url; write url = "redis://host:6379/0"`)
	case s.Backend != "redis" && s.URL != "":
		url.fail(`has no effect on backend %q; write backend = "redis", or remove it`, s.Backend)
	}
	if s.Backend == "embedded" && (strings.HasSuffix(s.Path, "/") || strings.HasSuffix(s.Path, string(os.PathSeparator))) {
		path.fail("names a directory; write a file in it, such as %q", s.Path+"wasmlane.db")
	}
}

// checkCalls reports calls to services that are not declared.
func (c *Config) checkCalls(p *Plugin, root place) {
	at := root.in("plugin").in(p.Name).in("calls")
	for _, name := range p.Calls {
		if root.in("service").in(name).own {
			continue
		}
		if near := Nearest(name, slices.Sorted(maps.Keys(c.Services))); near != "" {
			at.fail("there is no [service.%s]; did you mean %q?", name, near)
			continue
		}
		at.fail(`there is no [service.%s]; add one, with targets = ["local"] when this host serves it`, name)
	}
}

// checkRedirects reports redirects where no call can meet one.
func (c *Config) checkRedirects(p *Plugin, root place) {
	at := root.in("plugin").in(p.Name)
	if redirects, outbound := at.in("redirects"), at.in("outbound"); p.Redirects > 0 && len(p.Outbound) == 0 && !outbound.broken() {
		redirects.fail("has no effect without outbound; only calls to origins follow redirects. List the origins, or remove it")
	}
}
