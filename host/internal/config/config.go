// Package config reads host.toml into a Config that holds no invalid value.
//
// Reading is strict and reports every error at once, each with the file, the
// line of the key it is about, and what to write instead.
package config

import "time"

// Config is one complete, valid host.toml. It is immutable once loaded.
//
// Beside errors, Load and Parse return what they understood: a key with an
// error holds its default, and a route whose method, path or handler has one is
// left out.
type Config struct {
	File string // as given to Load, for messages
	Dir  string // the directory of File; relative paths below are joined to it

	PluginDir string
	CacheDir  string

	Server    Server
	Admin     Admin
	Log       Log
	Store     Store
	Trace     Trace
	Discovery Discovery
	Traffic   Traffic
	Defaults  Settings

	Plugins  map[string]*Plugin  // the [plugin.NAME] sections
	Services map[string]*Service // the [service.NAME] sections
	Routes   []*Route            // in the order of the file

	// References are those of the values above that stand elsewhere, by their full
	// key: "admin.token".
	References map[string]Reference

	Lines Lines // of everything not in plugins, services and routes, by its full key: "server.listen"
}

// Plugin returns the section of the plugin, or one that holds the defaults when
// host.toml has none.
func (c *Config) Plugin(name string) *Plugin {
	if p := c.Plugins[name]; p != nil {
		return p
	}
	return &Plugin{Name: name, Settings: c.Defaults}
}

// LargestBody returns the largest max_body, of the server and of all routes.
func (c *Config) LargestBody() int64 {
	most := c.Server.MaxBody
	for _, r := range c.Routes {
		most = max(most, r.MaxBody)
	}
	return most
}

// Server holds [server]. Sizes are bytes.
type Server struct {
	Listen              string
	NoDelay             bool
	Linger              OptionalDuration // off: the system's default
	TTL                 int              // 0: the system's default
	HTTPBufferSize      int
	Backlog             int
	ReusePort           bool
	DeferAccept         bool
	FastOpen            bool
	KeepAlive           OptionalDuration
	ReadTimeout         time.Duration
	WriteTimeout        time.Duration
	IdleTimeout         time.Duration
	MaxBody             int64
	BodyMemory          int64
	MaxResponse         int64
	MaxConnections      int
	MaxConnectionsPerIP int // 0: no limit
	DrainDelay          time.Duration
	Drain               time.Duration
	TLSCert             string // both or neither; joined to Dir
	TLSKey              string
}

// OptionalDuration is a duration that may be switched off.
type OptionalDuration struct {
	On       bool
	Duration time.Duration // 0 when not On
}

// Admin holds [admin].
type Admin struct {
	Listen string // "": no admin listener
	Token  string
	Upload bool // PUT /plugins/NAME is answered; never without a token
}

// Log holds [log].
type Log struct {
	Level        string // "debug" "info" "warn" "error"
	Format       string // "text" "json"
	Access       bool
	AccessFormat string // "same" "text" "json" "combined"
	GuestRate    Rate   // lines of one plugin; zero: no limit
}

// Trace holds [trace].
type Trace struct {
	OTLP    string  // the collector's origin, in the form of Plugin.Outbound; "": nothing is recorded
	Sample  float64 // 0 to 1
	Service string
}

// Discovery holds [discovery].
type Discovery struct {
	Consul        string // the agent's origin, in the form of Plugin.Outbound; "": nothing is registered
	Token         string
	Address       string   // "host" or "host:port" that others reach; "": found out
	ID            string   // "": made of the machine's name and the port
	Tags          []string // of every service
	DNS           string   // "host:port" of the server that is asked for SRV records; "": the system's
	CheckInterval time.Duration
}

// Store holds [store].
type Store struct {
	Backend string // "embedded" "redis" "memory"
	Path    string // embedded; joined to Dir
	URL     string // redis
}

// Isolation says what a request may find of earlier requests.
type Isolation string

// The isolations.
const (
	IsolationRequest  Isolation = "request"  // nothing: pristine memory every time
	IsolationInstance Isolation = "instance" // whatever is left in the instance
)

// Settings holds [defaults], and what a [plugin.NAME] section may override.
type Settings struct {
	Isolation   Isolation
	Timeout     time.Duration
	InitTimeout time.Duration
	MaxModule   int64 // bytes
	Memory      int64 // bytes; a multiple of the 64 KiB page is not required
	Instances   int
	Queue       time.Duration
}

// Plugin is one [plugin.NAME] section, completed from [defaults].
type Plugin struct {
	Name string
	Settings
	Store     string   // keyspace; "": not granted
	Calls     []string // services it may call
	Outbound  []string // origins outside, as "https://host" or "http://host:port": lower case, never with the scheme's own port
	Redirects int      // how many of an outbound call are followed
	SHA256    string   // lower-case hex; "": any file
	Config    map[string]string
	// References are those of Config's values that stand elsewhere, by their key.
	References map[string]Reference
	Lines      Lines
}

// Service is one [service.NAME] section.
type Service struct {
	Name    string
	Targets []string // exactly ["local"], or origins in the form of Plugin.Outbound
	SRV     string   // instead of Targets
	Plugins []string // whose routes "local" reaches; empty unless Local
	Remote
	Lines Lines
}

// Remote is how a service on other hosts is called. It is of no use for one that is
// Local.
type Remote struct {
	Retries        int
	MaxOutstanding int
	TryTimeout     time.Duration // 0: none
	Check          string        // a path; "": no checks
	CheckInterval  time.Duration
}

// Local reports whether this host serves the service itself.
func (s *Service) Local() bool { return len(s.Targets) == 1 && s.Targets[0] == "local" }

// Route is one [[route]].
type Route struct {
	Methods []string      // upper case; empty: any method
	Path    string        // the pattern as written; its syntax is package route's matter
	Plugin  string        // with Export: the handler "PLUGIN.EXPORT"
	Export  string        // an export, or CGI
	Builtin string        // "health" "ready" "metrics" "service" when the handler is "@…"
	Timeout time.Duration // 0: the plugin's
	NoLimit bool          // timeout = "off"
	MaxBody int64         // 0: that of [server]
	Traffic
	Lines Lines
}

// Lines holds where a section and its keys stand in the file.
type Lines struct {
	Header int            // the line of "[[route]]", "[plugin.x]", …; 0 when there is none
	Keys   map[string]int // by the key's name in the section
}

// Of returns the line of key, or that of the header when the section does not
// set it.
func (l Lines) Of(key string) int {
	if n, ok := l.Keys[key]; ok {
		return n
	}
	return l.Header
}
