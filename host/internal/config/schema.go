package config

import "time"

// A key is one key of a section, with what reads its value. A key that is not
// in one of the lists below is unknown.
type key struct {
	name string
	read reader
}

// A reader takes a decoded value into a field, or reports at the place what is
// wrong with it and leaves the field alone.
type reader func(v any, at place)

// The longest duration that is not taken for a slip, and the shortest deadline
// that can be kept.
const (
	longest  = 24 * time.Hour
	shortest = time.Millisecond
)

// maxHeld is the largest limit for anything held in memory, in bytes.
const maxHeld = 64 * gib

// The least and most linear memory a plugin may have: one page, and all but one
// page of what 32 bits address.
const (
	minMemory = 64 * kib
	maxMemory = 4*gib - 64*kib
)

// maxRedirects is how many redirects of one call a plugin may have followed.
const maxRedirects = 10

// keys returns the top of the file. [defaults] and [traffic] are read before the
// plugins and routes that are completed from them.
func (c *Config) keys() []key {
	return []key{
		{"plugin_dir", text(&c.PluginDir, path)},
		{"cache_dir", text(&c.CacheDir, path)},
		{"server", section("server", c.Server.keys())},
		{"admin", section("admin", c.Admin.keys())},
		{"log", section("log", c.Log.keys())},
		{"store", section("store", c.Store.keys())},
		{"trace", section("trace", c.Trace.keys())},
		{"discovery", section("discovery", c.Discovery.keys())},
		{"traffic", section("traffic", c.Traffic.keys())},
		{"defaults", section("defaults", c.Defaults.keys())},
		{"plugin", c.readPlugins},
		{"service", c.readServices},
		{"route", c.readRoutes},
	}
}

func (s *Server) keys() []key {
	return []key{
		{"listen", text(&s.Listen, listen)},
		{"nodelay", boolean(&s.NoDelay)},
		{"linger", seconds(&s.Linger, 0, time.Hour)},
		{"ttl", count(&s.TTL, 0, 255)},
		{"http_buffer_size", size(&s.HTTPBufferSize, 512, mib)},
		{"backlog", count(&s.Backlog, 1, 65535)},
		{"reuse_port", boolean(&s.ReusePort)},
		{"defer_accept", boolean(&s.DeferAccept)},
		{"fast_open", boolean(&s.FastOpen)},
		{"keep_alive", seconds(&s.KeepAlive, time.Second, 9*time.Hour)},
		{"read_timeout", duration(&s.ReadTimeout, shortest, longest)},
		{"write_timeout", duration(&s.WriteTimeout, shortest, longest)},
		{"idle_timeout", duration(&s.IdleTimeout, shortest, longest)},
		{"max_body", size(&s.MaxBody, 1, maxHeld)},
		{"body_memory", size(&s.BodyMemory, 1, maxHeld)},
		{"max_response", size(&s.MaxResponse, 1, maxHeld)},
		{"max_connections", count(&s.MaxConnections, 1, 1_000_000)},
		{"max_connections_per_ip", count(&s.MaxConnectionsPerIP, 0, 1_000_000)},
		{"drain_delay", duration(&s.DrainDelay, 0, longest)},
		{"drain", duration(&s.Drain, 0, longest)},
		{"tls_cert", optional(&s.TLSCert, path)},
		{"tls_key", optional(&s.TLSKey, path)},
	}
}

func (a *Admin) keys() []key {
	return []key{
		{"listen", optional(&a.Listen, listen)},
		{"token", sensitive(&a.Token, token)},
		{"upload", boolean(&a.Upload)},
	}
}

func (l *Log) keys() []key {
	return []key{
		{"level", oneOf(&l.Level, "debug", "info", "warn", "error")},
		{"format", oneOf(&l.Format, "text", "json")},
		{"access", boolean(&l.Access)},
		{"access_format", oneOf(&l.AccessFormat, "same", "text", "json", "combined")},
		{"guest_rate", readRate(&l.GuestRate)},
	}
}

func (t *Trace) keys() []key {
	return []key{
		{"otlp", optional(&t.OTLP, collector)},
		{"sample", fraction(&t.Sample)},
		{"service", text(&t.Service, func(s string) (string, error) { return s, nil })},
	}
}

func (d *Discovery) keys() []key {
	return []key{
		{"consul", optional(&d.Consul, parseOrigin)},
		{"token", sensitive(&d.Token, token)},
		{"address", optional(&d.Address, advertised)},
		{"id", optional(&d.ID, registrationID)},
		{"tags", list(&d.Tags, "v2", tag)},
		{"dns", optional(&d.DNS, nameServer)},
		{"check_interval", duration(&d.CheckInterval, time.Second, time.Hour)},
	}
}

func (s *Store) keys() []key {
	return []key{
		{"backend", oneOf(&s.Backend, "embedded", "redis", "memory")},
		{"path", text(&s.Path, path)},
		{"url", sensitive(&s.URL, redisURL)},
	}
}

func (s *Settings) keys() []key {
	return []key{
		{"isolation", oneOf(&s.Isolation, IsolationRequest, IsolationInstance)},
		{"timeout", deadline(&s.Timeout)},
		{"init_timeout", duration(&s.InitTimeout, shortest, longest)},
		{"max_module", size(&s.MaxModule, 1, maxHeld)},
		{"memory", size(&s.Memory, minMemory, maxMemory)},
		{"instances", count(&s.Instances, 1, 10_000)},
		{"queue", duration(&s.Queue, 0, longest)},
	}
}

func (p *Plugin) keys() []key {
	return append(p.Settings.keys(), []key{
		{"store", optional(&p.Store, keyspace)},
		{"calls", list(&p.Calls, "user", call)},
		{"outbound", list(&p.Outbound, "https://api.example.com", outbound)},
		{"redirects", count(&p.Redirects, 0, maxRedirects)},
		{"sha256", optional(&p.SHA256, sha256)},
		{"config", p.readConfig},
	}...)
}

func (s *Service) keys() []key {
	return []key{
		{"targets", list(&s.Targets, "local", target)},
		{"srv", optional(&s.SRV, srv)},
		{"plugins", list(&s.Plugins, "user", pluginName)},
		{"retries", count(&s.Retries, 0, 7)},
		{"max_outstanding", count(&s.MaxOutstanding, 1, 10_000)},
		{"try_timeout", duration(&s.TryTimeout, 0, longest)},
		{"check", optional(&s.Check, checkPath)},
		{"check_interval", duration(&s.CheckInterval, 100*time.Millisecond, time.Hour)},
	}
}

func (r *Route) keys() []key {
	return append([]key{
		{"method", r.readMethods},
		{"path", r.readPath},
		{"handler", r.readHandler},
		{"timeout", r.readTimeout},
		{"max_body", size(&r.MaxBody, 1, maxHeld)},
	}, r.Traffic.keys()...)
}

// A kindOfSection is what sections returns.
type kindOfSection struct {
	header string // "" for the top of the file
	keys   []key
}

// sections returns the keys of every kind of section by its header, in the
// order of the file.
func sections() []kindOfSection {
	c := &Config{}
	return []kindOfSection{
		{"", c.keys()},
		{"[server]", c.Server.keys()},
		{"[admin]", c.Admin.keys()},
		{"[log]", c.Log.keys()},
		{"[store]", c.Store.keys()},
		{"[trace]", c.Trace.keys()},
		{"[discovery]", c.Discovery.keys()},
		{"[traffic]", c.Traffic.keys()},
		{"[defaults]", c.Defaults.keys()},
		{"[plugin.NAME]", new(Plugin).keys()},
		{"[service.NAME]", new(Service).keys()},
		{"[[route]]", new(Route).keys()},
	}
}
