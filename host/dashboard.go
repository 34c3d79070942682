package host

import (
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/dashboard"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// newFeed returns what the dashboard shows of this host.
func (h *Host) newFeed() *dashboard.Feed {
	s := h.newSampler()
	return dashboard.New(dashboard.Options{
		Sample: func() dashboard.Sample { return s.sample(time.Now()) },
		Documents: []dashboard.Document{
			{Name: "host", Make: h.hostForViewers},
			{Name: "plugins", Make: func() any { return h.pluginsForViewers(s) }},
			{Name: "routes", Make: func() any { return h.routesForViewers(s) }},
			{Name: "failures", Make: h.failuresForViewers},
			{Name: "reloads", Make: func() any { return h.history.reloads() }},
			{Name: "logs", Make: h.logsForViewers},
		},
	})
}

func serveEvents(ctx *fasthttp.RequestCtx, feed *dashboard.Feed) {
	var client dashboard.Client
	if c := server.ConnOf(ctx.Conn()); c != nil {
		client = c
	}
	feed.Serve(ctx, client)
}

func (h *Host) hostForViewers() any {
	document := struct {
		Version     string     `json:"version"`
		Started     time.Time  `json:"started"`
		Generation  int64      `json:"generation"` // 0 when the host is closed
		Built       *time.Time `json:"built,omitempty"`
		Draining    bool       `json:"draining"`
		Connections int        `json:"connections"`
	}{
		Version: h.options.Version, Started: h.started,
		Draining: h.draining.Load(), Connections: h.connections(),
	}
	if g := h.current.Acquire(); g != nil {
		defer g.Release()
		document.Generation, document.Built = g.Number, &g.Built
	}
	return document
}

// lastMinute is what was counted over the last minute, or since the start.
type lastMinute struct {
	Rate         float64  `json:"rate"` // requests a second
	ClientErrors uint64   `json:"client_errors"`
	Errors       uint64   `json:"errors"`
	P50          *float64 `json:"p50"` // seconds; null without a request
	P99          *float64 `json:"p99"`
}

type pluginForViewers struct {
	Name      string     `json:"name"`
	Error     string     `json:"error,omitempty"`
	SHA256    string     `json:"sha256,omitempty"`
	Size      int        `json:"size_bytes,omitempty"`
	Language  string     `json:"language,omitempty"`
	Isolation string     `json:"isolation"`
	NoReset   string     `json:"no_reset,omitempty"`
	Memory    int64      `json:"memory_limit_bytes"`
	Instances Pool       `json:"instances"`
	Busy      uint64     `json:"busy"`     // since the start
	Failures  int        `json:"failures"` // likewise
	Minute    lastMinute `json:"minute"`
}

func (h *Host) pluginsForViewers(s *sampler) any {
	list := []pluginForViewers{}
	g := h.current.Acquire()
	if g == nil {
		return list
	}
	defer g.Release()
	for _, p := range g.Plugins() {
		status := statusOf(p, nil)
		list = append(list, pluginForViewers{
			Name: p.Name, Error: status.Error, SHA256: status.SHA256, Size: status.Size, Language: status.Language,
			Isolation: status.Isolation, NoReset: status.NoReset, Memory: status.Memory, Instances: status.Instances,
			Busy: p.Record().Pool.Busy.Load(), Failures: p.Record().Failed(), Minute: s.plugin(p.Name),
		})
	}
	return list
}

type routeForViewers struct {
	RouteStatus
	Requests uint64     `json:"requests"` // since the start
	Minute   lastMinute `json:"minute"`
}

// routesForViewers lists the routes, those together that differ in the method only:
// they are counted together. The last one is for requests that no route took.
func (h *Host) routesForViewers(s *sampler) any {
	list := []*routeForViewers{}
	g := h.current.Acquire()
	if g == nil {
		return list
	}
	defer g.Release()
	for _, r := range g.Routes() {
		status := routeOf(r)
		same := func(other *routeForViewers) bool {
			return other.Path == status.Path && other.Handler == status.Handler
		}
		if i := slices.IndexFunc(list, same); i >= 0 {
			list[i].Methods = append(list[i].Methods, status.Methods...)
			continue
		}
		name := nameOf(r.Config)
		list = append(list, &routeForViewers{status, s.requests(name), s.route(name)})
	}
	none := h.counters.unrouted.Name()
	return append(list, &routeForViewers{RouteStatus{Methods: []string{}}, s.requests(none), s.route(none)})
}

// Bounds of what is sent of failures and of the log.
const (
	viewFailures = 24
	viewLines    = 60
	viewText     = 600 // bytes of one message or value
)

type failureForViewers struct {
	Plugin    string    `json:"plugin"`
	Time      time.Time `json:"time"`
	Handler   string    `json:"handler"`
	RequestID string    `json:"request_id,omitempty"`
	Kind      string    `json:"kind"`
	Reason    string    `json:"reason"`
	Stack     string    `json:"wasm_stack,omitempty"`
}

// failuresForViewers returns the last failures of all plugins, the latest first.
func (h *Host) failuresForViewers() any {
	list := []*failureForViewers{}
	g := h.current.Acquire()
	if g == nil {
		return list
	}
	defer g.Release()
	for _, p := range g.Plugins() {
		for _, f := range p.Record().Failures() {
			list = append(list, &failureForViewers{p.Name, f.Time, f.Handler, f.RequestID, f.Kind, f.Reason, f.Stack})
		}
	}
	slices.SortFunc(list, func(a, b *failureForViewers) int { return b.Time.Compare(a.Time) })
	return list[:min(len(list), viewFailures)]
}

// logsForViewers returns the last lines of the log, the latest last. The whole text
// of a long one is at GET /logs.
func (h *Host) logsForViewers() any {
	lines := h.recent.Lines("", viewLines)
	for i, l := range lines {
		lines[i] = l.Cut(viewText)
	}
	return lines
}
