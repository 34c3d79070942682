package config

import "slices"

func (c *Config) readPlugins(v any, at place) {
	named(v, at, "plugin", new(Plugin).keys(), func(name string, values map[string]any, at place) {
		p := &Plugin{Name: name, Settings: c.Defaults, Config: map[string]string{}, References: map[string]Reference{}, Lines: at.node.lines()}
		table(values, at, "[plugin.NAME]", p.keys())
		if IsName(name) {
			c.Plugins[name] = p
		}
	})
}

// readConfig reads [plugin.NAME.config]. Its keys are the plugin's own, and its
// values may be secrets.
func (p *Plugin) readConfig(v any, at place) {
	values, ok := v.(map[string]any)
	if !ok {
		at.fail("expected a section, got %s; write [plugin.%s.config] and the plugin's keys below", kind(v), p.Name)
		return
	}
	for _, name := range at.inOrder(values) {
		switch v := values[name].(type) {
		case string:
			p.Config[name] = v
		case map[string]any:
			reference, value, ok := referenced(v, at.in(name))
			if reference != (Reference{}) {
				p.References[name] = reference
			}
			if ok {
				p.Config[name] = value
			}
		default:
			at.in(name).fail("expected text, got %s; a plugin's values are texts, write it in quotes", kind(v))
		}
	}
}

func (c *Config) readServices(v any, at place) {
	named(v, at, "service", new(Service).keys(), func(name string, values map[string]any, at place) {
		s := &Service{Name: name, Remote: remoteDefaults(), Lines: at.node.lines()}
		table(values, at, "[service.NAME]", s.keys())
		s.check(at)
		if IsName(name) {
			c.Services[name] = s
		}
	})
}

func (s *Service) check(at place) {
	targets, srv, plugins := at.in("targets"), at.in("srv"), at.in("plugins")
	mixed := slices.Contains(s.Targets, "local") && len(s.Targets) > 1
	switch {
	case targets.broken() || srv.broken():
	case len(s.Targets) > 0 && s.SRV != "":
		srv.fail("set beside targets (line %d); keep one of the two", targets.node.line)
	case mixed:
		targets.fail(`"local" stands beside other origins; write targets = ["local"] alone, or only origins`)
	case len(s.Targets) == 0 && s.SRV == "" && targets.set():
		targets.fail(`empty; write ["local"] or a list of origins`)
	case len(s.Targets) == 0 && s.SRV == "":
		at.fail(`says nowhere to go; write targets = ["local"], or a list of origins, or srv = "_http._tcp.%s.internal"`, s.Name)
	case !s.Local() && plugins.set():
		plugins.fail(`only for targets = ["local"]; remove it`)
	case plugins.set() && len(s.Plugins) == 0:
		plugins.fail("empty; name a plugin, or leave the key out for plugin %q", s.Name)
	case s.Local() && !plugins.set() && !plugins.broken():
		s.Plugins = []string{s.Name}
	}
	for _, key := range []string{"retries", "max_outstanding", "try_timeout", "check", "check_interval"} {
		if at := at.in(key); s.Local() && at.set() {
			at.fail("only for a service on other hosts; remove it")
		}
	}
	if every := at.in("check_interval"); !s.Local() && every.set() && s.Check == "" && !at.in("check").broken() {
		every.fail(`set without check; add check = "/ready", or remove it`)
	}
}
