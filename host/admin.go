package host

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/admin"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/dashboard"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// adminServer listens for the operator; nil when host.toml turns that off.
func (h *Host) adminServer(cfg *config.Config) (*server.Server, net.Addr, error) {
	if cfg.Admin.Listen == "" {
		return nil, nil, nil
	}
	settings := config.Defaults().Server
	settings.Listen = cfg.Admin.Listen
	settings.MaxConnections = 100
	settings.ReadTimeout = time.Minute // a module may be large
	settings.MaxBody = largestModule(cfg)
	feed := h.newFeed()
	s, err := server.New(server.Options{
		Config: settings,
		Handler: admin.Handler(admin.Options{
			Listen:     cfg.Admin.Listen,
			Token:      cfg.Admin.Token,
			Ready:      h.notReady,
			Metrics:    h.exposition,
			Plugins:    func() any { return h.Plugins() },
			Plugin:     h.pluginForAdmin,
			Services:   func() any { return h.services() },
			Routes:     func() any { return append([]RouteStatus{}, h.Routes()...) },
			Config:     h.configForAdmin,
			Generation: h.generationForAdmin,
			Logs:       h.logsForAdmin,
			Reload:     h.reloadForAdmin,
			MayUpload: func() bool {
				cfg := h.config()
				return cfg != nil && cfg.Admin.Upload
			},
			Page:   dashboard.Page,
			Events: func(ctx *fasthttp.RequestCtx) { serveEvents(ctx, feed) },
			Upload: h.upload,
			Hangup: hangup,
		}),
		Error: func(ctx *fasthttp.RequestCtx, status int, message string) {
			ctx.Error(fmt.Sprintf("{%q: %q}\n", "error", message), status)
			ctx.SetContentType("application/json")
		},
		MaxBodyKey: "max_module",
		Log:        h.log,
	})
	var addr net.Addr
	if err == nil {
		addr, err = s.Listen()
	}
	if err != nil {
		var setting *server.SettingError
		if errors.As(err, &setting) {
			err = errors.New(setting.Message) // its key names the other listener
		}
		return nil, nil, cfg.Error(cfg.Lines.Of("admin.listen"), "admin.listen", "%v", err)
	}
	h.operator.Store(s)
	h.feed.Store(feed)
	return s, addr, nil
}

// largestModule returns the most that any plugin may be in size.
func largestModule(cfg *config.Config) int64 {
	most := cfg.Defaults.MaxModule
	for _, p := range cfg.Plugins {
		most = max(most, p.MaxModule)
	}
	return most
}

// hangup ends a connection after the answer, in a way that lets a client that is
// still sending see it.
func hangup(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	if c := server.ConnOf(ctx.Conn()); c != nil {
		c.DiscardOnClose()
	}
}

// pluginDetails is what GET /plugins/NAME shows.
type pluginDetails struct {
	PluginStatus
	File           string               `json:"file"`
	MemoryMin      uint64               `json:"memory_min_bytes,omitempty"`
	MemoryMax      uint64               `json:"memory_max_bytes,omitempty"` // 0 when not declared
	Producers      string               `json:"producers,omitempty"`
	Settings       any                  `json:"settings"` // as GET /config has them
	CompileSeconds float64              `json:"compile_seconds"`
	InitSeconds    float64              `json:"init_seconds"`
	Discarded      map[string]uint64    `json:"discarded"` // by reason, since the host started
	Waits          uint64               `json:"waits"`
	WaitSeconds    float64              `json:"wait_seconds"`
	Busy           uint64               `json:"busy"`
	Resets         uint64               `json:"resets"`
	LastErrors     []generation.Failure `json:"last_errors"` // the latest first
}

func (h *Host) pluginForAdmin(name string) (any, bool) {
	g := h.current.Acquire()
	if g == nil {
		return nil, false
	}
	defer g.Release()
	plugins := g.Plugins()
	i := slices.IndexFunc(plugins, func(p *generation.Plugin) bool { return p.Name == name })
	if i < 0 {
		return nil, false
	}
	p, record := plugins[i], plugins[i].Record()
	d := pluginDetails{
		PluginStatus: statusOf(p, routesOf(g)[name]),
		File:         p.File(),
		Settings:     p.Settings.Effective(),
		Discarded:    map[string]uint64{},
		Waits:        record.Pool.Waits.Load(),
		WaitSeconds:  time.Duration(record.Pool.Waited.Load()).Seconds(),
		Busy:         record.Pool.Busy.Load(),
		Resets:       record.Pool.Resets.Load(),
		LastErrors:   record.Failures(),
	}
	compile, initialise := p.Took()
	d.CompileSeconds, d.InitSeconds = compile.Seconds(), initialise.Seconds()
	if info := p.Info(); info != nil {
		d.MemoryMin, d.MemoryMax, d.Producers = info.MemoryMin, info.MemoryMax, info.Producers
	}
	for i := range record.Pool.Discarded {
		if n := record.Pool.Discarded[i].Load(); n > 0 {
			d.Discarded[sandbox.Reason(i).String()] = n
		}
	}
	return d, true
}

func (h *Host) configForAdmin() any {
	cfg := h.config()
	if cfg == nil {
		cfg = h.first
	}
	return struct {
		File string `json:"file"`
		// NeedRestart are the keys whose new values the next start takes up.
		NeedRestart []string       `json:"need_restart"`
		Config      map[string]any `json:"config"`
	}{cfg.File, append([]string{}, config.NeedRestart(h.first, cfg)...), cfg.Effective()}
}

func (h *Host) generationForAdmin() any {
	document := struct {
		Generation    int64          `json:"generation"` // 0 when the host is closed
		Built         *time.Time     `json:"built,omitempty"`
		Plugins       int            `json:"plugins"`
		Routes        int            `json:"routes"`
		InFlight      int64          `json:"in_flight"`
		Draining      bool           `json:"draining"`
		Version       string         `json:"version"`
		UptimeSeconds float64        `json:"uptime_seconds"`
		Reloads       []reloadStatus `json:"reloads"` // the latest first
	}{
		InFlight:      h.inFlight.Load(),
		Draining:      h.draining.Load(),
		Version:       h.options.Version,
		UptimeSeconds: time.Since(h.started).Round(time.Millisecond).Seconds(),
		Reloads:       h.history.reloads(),
	}
	if g := h.current.Acquire(); g != nil {
		defer g.Release()
		document.Generation, document.Built = g.Number, &g.Built
		document.Plugins, document.Routes = len(g.Plugins()), len(g.Routes())
	}
	return document
}

func (h *Host) logsForAdmin(plugin string, limit int) any {
	return map[string]any{"lines": h.recent.Lines(plugin, limit)}
}

// reloaded is the answer to what took up a configuration.
type reloaded struct {
	Status     string   `json:"status"`
	Generation int64    `json:"generation"`
	Changed    []string `json:"changed"`
}

// unchanged is the answer to what did not.
type unchanged struct {
	Error      string   `json:"error"`
	Errors     []string `json:"errors"`
	Generation int64    `json:"generation"`
}

func (h *Host) reloadForAdmin() (any, bool) {
	status, err := h.reload(nil)
	if err != nil {
		return h.unchanged(err), false
	}
	return reloaded{"reloaded", status.Generation, append([]string{}, status.Changed...)}, true
}

func (h *Host) unchanged(err error) unchanged {
	return unchanged{"nothing was changed; the generation before still serves", problemsOf(err), h.Generation()}
}
