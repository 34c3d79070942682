package host

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/call"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/dashboard"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/logs"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/server"
	"github.com/wasmlane/wasmlane/host/internal/trace"
	"github.com/wasmlane/wasmlane/host/internal/upstream"
)

// Options are what a host needs besides its file.
type Options struct {
	// Log takes the log; nil means standard error. Format and level are those of
	// [log] in host.toml. Lines of the access log come a few milliseconds late, many
	// in one Write; all others at once. There is never more than one Write at a time.
	Log io.Writer
	// Version is what @service and the metrics report; "" means "dev".
	Version string
}

// Host serves what one host.toml describes. Its methods are safe for concurrent
// use.
type Host struct {
	file    string
	options Options
	started time.Time
	first   *config.Config // as opened; what only a restart changes
	opened  string         // the fingerprint of all files before they were read
	// refused is the configuration that the last reload did not take up, nil when it
	// did: the files that its values are read from may be on their way.
	refused atomic.Pointer[config.Config]

	sink      *logs.Sink // all lines go there
	log       *slog.Logger
	recent    *logs.Recent // the last lines of log, for the operator
	accessLog atomic.Pointer[logs.Access]
	guests    *logs.Guests // bounds what plugins log
	form      *logForm
	counters  *counters
	history   history
	budget    *exchange.Budget
	builder   *generation.Builder
	current   generation.Current
	inFlight  atomic.Int64

	tracer  atomic.Pointer[trace.Tracer] // nil: spans are not recorded
	spans   trace.Counters
	tracing config.Trace // what tracer is of; guarded by mu once the host is open

	server    atomic.Pointer[server.Server] // while Run listens
	operator  atomic.Pointer[server.Server] // of the admin listener; nil when there is none
	port      atomic.Int64                  // likewise
	draining  atomic.Bool
	uploading atomic.Bool // one upload at a time

	registration atomic.Pointer[registration] // while Run listens

	feed atomic.Pointer[dashboard.Feed] // of the admin listener that Run last had

	mu     sync.Mutex // held by Open, Reload and Close; guards what follows
	store  *sharedStore
	closed bool
	alive  sync.WaitGroup // generations that are not retired

	settling settling
}

// ErrClosed is returned by what is asked of a closed host.
var ErrClosed = errors.New("the host is closed")

// Open reads the configuration, compiles the plugins and opens the store. When
// the configuration is broken, the error holds every problem, a line each. A
// plugin that does not load is no error by itself: its routes answer 503, the
// others serve, and the log says why.
func Open(file string, o Options) (*Host, error) {
	before := stamp(file)
	cfg, problems := config.Load(file)
	if cfg == nil {
		return nil, problems
	}
	h, err := open(cfg, o, false)
	if err != nil {
		return nil, err
	}
	h.opened = before + stampSources(cfg)
	h.mu.Lock()
	defer h.mu.Unlock()
	store := unavailableStore()
	if len(problems) == 0 {
		if store, err = h.openStore(cfg); err != nil {
			problems = append(problems, storeError(cfg, err))
			store = unavailableStore()
		}
	}
	h.store = store
	if err := h.checkServer(cfg); err != nil {
		problems = append(problems, serverError(cfg, err))
	}
	next, found := h.build(cfg, store, nil, nil)
	found.Config = append(problems, found.Config...).Sort()
	if len(found.Config) > 0 {
		next.Release()
		h.closeLocked()
		return nil, joined(found.All())
	}
	for _, err := range found.Plugins {
		h.log.Error("not loaded; the routes concerned answer 503", slog.Any("error", err))
	}
	for _, file := range generation.Ignored(cfg) {
		h.log.Warn("file ignored: a plugin's name is [a-z][a-z0-9_-]*", slog.String("file", file))
	}
	h.setTrace(cfg.Trace)
	h.current.Swap(next)
	h.history.opened()
	h.settling.soon()
	return h, nil
}

// open makes a host that serves nothing yet. A quiet one says of itself only what
// is worth a warning; what plugins log is not affected.
func open(cfg *config.Config, o Options, quiet bool) (*Host, error) {
	if o.Log == nil {
		o.Log = os.Stderr
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	h := &Host{
		file:     cfg.File,
		options:  o,
		started:  time.Now(),
		first:    cfg,
		form:     new(logForm),
		budget:   new(exchange.Budget),
		counters: newCounters(),
	}
	h.sink = logs.NewSink(o.Log)
	h.recent = logs.NewRecent()
	h.log = slog.New(h.recent.Handler(newLogger(h.sink, h.form).Handler()))
	h.guests = logs.NewGuests(h.log)
	h.setLog(cfg.Log)
	guestLog := h.log
	if quiet {
		form := new(logForm)
		form.set(config.Log{Level: "warn", Format: cfg.Log.Format})
		h.log = newLogger(h.sink, form)
	}
	h.budget.SetLimit(cfg.Server.BodyMemory)
	engine, err := sandbox.New(context.Background(), sandbox.Options{
		CacheDir: cfg.CacheDir,
		Imports:  generation.Imports(),
		Log:      h.log,
	})
	if err != nil {
		return nil, err
	}
	client := call.New(call.Options{MaxResponse: cfg.Server.MaxResponse})
	h.settling.trim = engine.Trim
	h.builder = &generation.Builder{
		Runtime:   engine,
		Client:    client,
		Upstreams: upstream.NewSet(upstream.Options{Client: client, Log: h.log, Counts: h.counters.target}),
		Budget:    h.budget,
		Builtins:  h.builtins(),
		Log:       h.log,
		GuestLog:  guestLog,
		LogLimit:  func(plugin string) exchange.LogLimit { return h.guests.Of(plugin) },
		Counters:  h.counters.forGeneration,
		OnEnd:     h.finish,
	}
	return h, nil
}

// build makes the generation after previous, as if a plugin's file were another
// when instead is not nil. The caller holds h.mu.
func (h *Host) build(cfg *config.Config, store *sharedStore, previous *generation.Generation, instead *generation.Module) (*generation.Generation, *generation.Problems) {
	store.retain()
	h.alive.Add(1)
	return h.builder.BuildWith(context.Background(), cfg, store.Store, previous, instead, func() {
		store.release(h.log)
		h.alive.Done()
		h.settling.soon()
	})
}

// Check reads the configuration and compiles and initialises the plugins, as
// Open does, but opens no store: another process may hold it, so kv functions
// answer UNAVAILABLE while a plugin initialises. It returns every problem,
// plugins that do not load included, or nil.
func Check(file string, o Options) error {
	cfg, problems := config.Load(file)
	if cfg == nil {
		return problems
	}
	h, err := open(cfg, o, false)
	if err != nil {
		return err
	}
	defer h.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store = unavailableStore()
	next, found := h.build(cfg, h.store, nil, nil)
	defer next.Release()
	if len(problems) == 0 { // as Open does: of a URL that is none, all has been said
		if err := checkStore(cfg); err != nil {
			problems = append(problems, storeError(cfg, err))
		}
	}
	if err := h.checkServer(cfg); err != nil {
		problems = append(problems, serverError(cfg, err))
	}
	found.Config = append(problems, found.Config...).Sort()
	if !found.Any() {
		return nil
	}
	return joined(found.All())
}

// joined is errors that print one a line.
type joined []error

func (j joined) Error() string {
	lines := make([]string, len(j))
	for i, err := range j {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

func (j joined) Unwrap() []error { return j }

// Generation returns the number of the current generation, counted from 1; 0
// when the host is closed.
func (h *Host) Generation() int64 {
	g := h.current.Acquire()
	if g == nil {
		return 0
	}
	defer g.Release()
	return g.Number
}

func (h *Host) connections() int {
	if s := h.server.Load(); s != nil {
		return s.Stats().Open
	}
	return 0
}

// Close waits for requests in flight and closes the store. Requests that come
// later are answered 503.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.closeLocked()
	return nil
}

func (h *Host) closeLocked() {
	h.closed = true
	h.current.Swap(nil)
	h.alive.Wait()
	h.setTrace(config.Trace{})
	h.store.release(h.log)
	h.builder.Upstreams.Close()
	h.settling.close()
	h.builder.Client.Close()
	h.builder.Runtime.Close()
	h.guests.Tell()
	_ = h.sink.Flush() // who keeps the log has nobody to tell
}
