package config

import "time"

// Sizes in bytes.
const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Defaults returns what an empty host.toml means. All defaults are here.
func Defaults() *Config {
	return &Config{
		File:      "host.toml",
		Dir:       ".",
		PluginDir: "plugins",
		CacheDir:  ".wasmlane/cache",
		Server: Server{
			Listen:              "0.0.0.0:8001",
			NoDelay:             true,
			Linger:              OptionalDuration{},
			TTL:                 0,
			HTTPBufferSize:      4096,
			Backlog:             4096,
			ReusePort:           false,
			DeferAccept:         false,
			FastOpen:            false,
			KeepAlive:           OptionalDuration{On: true, Duration: 30 * time.Second},
			ReadTimeout:         10 * time.Second,
			WriteTimeout:        10 * time.Second,
			IdleTimeout:         60 * time.Second,
			MaxBody:             4 * mib,
			BodyMemory:          256 * mib,
			MaxResponse:         16 * mib,
			MaxConnections:      10000,
			MaxConnectionsPerIP: 0,
			DrainDelay:          0,
			Drain:               10 * time.Second,
			TLSCert:             "",
			TLSKey:              "",
		},
		Admin: Admin{
			Listen: "127.0.0.1:9001",
			Token:  "",
			Upload: false,
		},
		Log: Log{
			Level:        "info",
			Format:       "text",
			Access:       true,
			AccessFormat: "same",
			GuestRate:    Rate{1000, time.Second},
		},
		Store: Store{
			Backend: "embedded",
			Path:    "data/wasmlane.db",
			URL:     "",
		},
		Trace: Trace{
			OTLP:    "",
			Sample:  1,
			Service: "wasmlane",
		},
		Discovery: Discovery{
			Consul:        "",
			Token:         "",
			Address:       "",
			ID:            "",
			Tags:          []string{},
			DNS:           "",
			CheckInterval: 10 * time.Second,
		},
		Traffic: Traffic{
			Rate:            Rate{},
			RateBurst:       0,
			RateBy:          "",
			CORSOrigins:     []string{},
			CORSHeaders:     []string{"Content-Type"},
			CORSExpose:      []string{},
			CORSCredentials: false,
			CORSMaxAge:      10 * time.Minute,
			Compress:        false,
			CompressMin:     kib,
			CompressTypes:   []string{"text/*", "application/json", "application/javascript", "application/xml", "image/svg+xml"},
			Headers:         map[string]string{},
		},
		Defaults: Settings{
			Isolation:   IsolationRequest,
			Timeout:     2 * time.Second,
			InitTimeout: 10 * time.Second,
			MaxModule:   64 * mib,
			Memory:      16 * mib,
			Instances:   64,
			Queue:       100 * time.Millisecond,
		},
		Plugins:  map[string]*Plugin{},
		Services: map[string]*Service{},
	}
}

// remoteDefaults is how a service on other hosts is called unless its section says
// otherwise.
func remoteDefaults() Remote {
	return Remote{
		Retries:        1,
		MaxOutstanding: 256,
		TryTimeout:     0,
		Check:          "",
		CheckInterval:  5 * time.Second,
	}
}
