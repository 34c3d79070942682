package config

import (
	"maps"
	"strings"
)

// Hidden stands in Effective for a value that may be a secret.
const Hidden = "(hidden)"

// Effective returns the configuration in force, defaults included: by section and
// key as host.toml has them, in its notation. Tokens, passwords and the values of
// [plugin.NAME.config] are hidden; an empty one is shown as empty, and one that
// stands elsewhere as the reference to it.
func (c *Config) Effective() map[string]any {
	plugins, services := map[string]any{}, map[string]any{}
	for name, p := range c.Plugins {
		plugins[name] = p.Effective()
	}
	for name, s := range c.Services {
		services[name] = s.effective()
	}
	routes := []map[string]any{}
	for _, r := range c.Routes {
		routes = append(routes, r.effective())
	}
	return map[string]any{
		"plugin_dir": c.PluginDir,
		"cache_dir":  c.CacheDir,
		"server":     c.Server.effective(),
		"admin":      map[string]any{"listen": c.Admin.Listen, "token": c.shown("admin.token", hide(c.Admin.Token)), "upload": c.Admin.Upload},
		"log": map[string]any{"level": c.Log.Level, "format": c.Log.Format, "access": c.Log.Access,
			"access_format": c.Log.AccessFormat, "guest_rate": c.Log.GuestRate.String()},
		"store": map[string]any{"backend": c.Store.Backend, "path": c.Store.Path, "url": c.shown("store.url", hidePassword(c.Store.URL))},
		"trace": map[string]any{"otlp": c.Trace.OTLP, "sample": c.Trace.Sample, "service": c.Trace.Service},
		"discovery": map[string]any{"consul": c.Discovery.Consul, "token": c.shown("discovery.token", hide(c.Discovery.Token)),
			"address": c.Discovery.Address, "id": c.Discovery.ID, "tags": texts(c.Discovery.Tags), "dns": c.Discovery.DNS,
			"check_interval": formatDuration(c.Discovery.CheckInterval)},
		"traffic":  c.Traffic.effective(),
		"defaults": c.Defaults.effective(),
		"plugin":   plugins,
		"service":  services,
		"route":    routes,
	}
}

func (s *Server) effective() map[string]any {
	return map[string]any{
		"listen":                 s.Listen,
		"nodelay":                s.NoDelay,
		"linger":                 s.Linger.effective(),
		"ttl":                    s.TTL,
		"http_buffer_size":       sized(int64(s.HTTPBufferSize)),
		"backlog":                s.Backlog,
		"reuse_port":             s.ReusePort,
		"defer_accept":           s.DeferAccept,
		"fast_open":              s.FastOpen,
		"keep_alive":             s.KeepAlive.effective(),
		"read_timeout":           formatDuration(s.ReadTimeout),
		"write_timeout":          formatDuration(s.WriteTimeout),
		"idle_timeout":           formatDuration(s.IdleTimeout),
		"max_body":               sized(s.MaxBody),
		"body_memory":            sized(s.BodyMemory),
		"max_response":           sized(s.MaxResponse),
		"max_connections":        s.MaxConnections,
		"max_connections_per_ip": s.MaxConnectionsPerIP,
		"drain_delay":            formatDuration(s.DrainDelay),
		"drain":                  formatDuration(s.Drain),
		"tls_cert":               s.TLSCert,
		"tls_key":                s.TLSKey, // the file's name
	}
}

func (d OptionalDuration) effective() string {
	if !d.On {
		return "off"
	}
	return formatDuration(d.Duration)
}

func (s *Settings) effective() map[string]any {
	return map[string]any{
		"isolation":    string(s.Isolation),
		"timeout":      formatDuration(s.Timeout),
		"init_timeout": formatDuration(s.InitTimeout),
		"max_module":   sized(s.MaxModule),
		"memory":       sized(s.Memory),
		"instances":    s.Instances,
		"queue":        formatDuration(s.Queue),
	}
}

// Effective returns the plugin's section as [Config.Effective] does.
func (p *Plugin) Effective() map[string]any {
	values := map[string]any{}
	for key, value := range p.Config {
		values[key] = hide(value)
		if r, ok := p.References[key]; ok {
			values[key] = r.effective()
		}
	}
	all := p.Settings.effective()
	maps.Copy(all, map[string]any{
		"store": p.Store, "calls": texts(p.Calls), "outbound": texts(p.Outbound), "redirects": p.Redirects, "sha256": p.SHA256, "config": values,
	})
	return all
}

func (s *Service) effective() map[string]any {
	all := map[string]any{"targets": texts(s.Targets), "srv": s.SRV, "plugins": texts(s.Plugins)}
	if s.Local() {
		return all
	}
	maps.Copy(all, map[string]any{"retries": s.Retries, "max_outstanding": s.MaxOutstanding, "try_timeout": formatDuration(s.TryTimeout), "check": s.Check})
	if s.Check != "" {
		all["check_interval"] = formatDuration(s.CheckInterval)
	}
	return all
}

func (r *Route) effective() map[string]any {
	handler := r.Plugin + "." + r.Export
	if r.Builtin != "" {
		handler = "@" + r.Builtin
	}
	all := map[string]any{"path": r.Path, "handler": handler}
	r.rules(all)
	if len(r.Methods) > 0 {
		all["method"] = texts(r.Methods)
	}
	switch {
	case r.NoLimit:
		all["timeout"] = "off"
	case r.Timeout > 0:
		all["timeout"] = formatDuration(r.Timeout)
	}
	return all
}

// rules adds what is in force around the handler, and of what is off only that.
func (r *Route) rules(all map[string]any) {
	if r.MaxBody > 0 {
		all["max_body"] = sized(r.MaxBody)
	}
	for key, value := range r.Traffic.effective() {
		group, _, _ := strings.Cut(key, "_")
		on := map[string]bool{"rate": r.Rate.On(), "cors": len(r.CORSOrigins) > 0, "compress": r.Compress, "headers": true}[group]
		if on || key == "rate" || key == "cors_origins" || key == "compress" {
			all[key] = value
		}
	}
}

// texts returns a list that is not nil: JSON tells the two apart.
func texts(list []string) []string { return append([]string{}, list...) }

// sized returns a size as text with its unit, or as a plain number.
func sized(n int64) any {
	text := formatSize(n)
	if isDigits(text) {
		return n
	}
	return text
}

// shown returns the reference that the key has, or else what hidden says.
func (c *Config) shown(key, hidden string) any {
	if r, ok := c.References[key]; ok {
		return r.effective()
	}
	return hidden
}

func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return Hidden
}
