package config

// NeedRestart returns the keys whose values differ although only a new process
// can take them up: they belong to sockets, files and code that are in use. All
// others take effect at a reload.
func NeedRestart(old, now *Config) []string {
	a, b := &old.Server, &now.Server
	var keys []string
	for _, setting := range []struct {
		key  string
		same bool
	}{
		{"cache_dir", old.CacheDir == now.CacheDir},
		{"server.listen", a.Listen == b.Listen},
		{"server.nodelay", a.NoDelay == b.NoDelay},
		{"server.linger", a.Linger == b.Linger},
		{"server.ttl", a.TTL == b.TTL},
		{"server.http_buffer_size", a.HTTPBufferSize == b.HTTPBufferSize},
		{"server.backlog", a.Backlog == b.Backlog},
		{"server.reuse_port", a.ReusePort == b.ReusePort},
		{"server.defer_accept", a.DeferAccept == b.DeferAccept},
		{"server.fast_open", a.FastOpen == b.FastOpen},
		{"server.keep_alive", a.KeepAlive == b.KeepAlive},
		{"server.read_timeout", a.ReadTimeout == b.ReadTimeout},
		{"server.write_timeout", a.WriteTimeout == b.WriteTimeout},
		{"server.idle_timeout", a.IdleTimeout == b.IdleTimeout},
		{"server.max_connections", a.MaxConnections == b.MaxConnections},
		{"server.max_connections_per_ip", a.MaxConnectionsPerIP == b.MaxConnectionsPerIP},
		// Another certificate is read at a reload; only a listener that begins or
		// ends to speak TLS is a new one.
		{"server.tls_cert", (a.TLSCert == "") == (b.TLSCert == "")},
		{"admin.listen", old.Admin.Listen == now.Admin.Listen},
		{"admin.token", old.Admin.Token == now.Admin.Token},
	} {
		if !setting.same {
			keys = append(keys, setting.key)
		}
	}
	return keys
}
