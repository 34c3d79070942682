package generation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/call"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/route"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/traffic"
	"github.com/wasmlane/wasmlane/host/internal/upstream"
)

// Builder makes generations. It holds what outlives each of them.
type Builder struct {
	Runtime   *sandbox.Runtime
	Client    *call.Client
	Upstreams *upstream.Set                         // the services on other hosts
	Budget    *exchange.Budget                      // of request bodies
	Builtins  map[string]Builtin                    // by name, without the "@"
	Log       *slog.Logger                          // of the host
	GuestLog  *slog.Logger                          // of what plugins say
	LogLimit  func(plugin string) exchange.LogLimit // nil: none
	Limiter   *traffic.Limiter                      // of requests; made when a route first has a limit
	Counters  func() Counters                       // called for each generation; nil counts nothing

	// OnEnd is called when a response that streams is over.
	OnEnd func(*exchange.Exchange, *Generation)
}

// Builtin is a handler of the host's own.
type Builtin func(x *exchange.Exchange)

// Problems is what is wrong with a configuration, as far as building showed.
type Problems struct {
	// Config holds what makes the configuration unusable as a whole.
	Config config.Errors
	// Plugins holds what keeps single plugins or routes from working; the others
	// can serve.
	Plugins []error
}

// Any reports whether there is any problem.
func (p *Problems) Any() bool { return len(p.Config)+len(p.Plugins) > 0 }

// All returns every problem.
func (p *Problems) All() []error {
	var all []error
	for _, e := range p.Config {
		all = append(all, e)
	}
	return append(all, p.Plugins...)
}

// Build makes the generation that cfg and the plugin directory describe. The
// previous one, which may be nil, must stay acquired meanwhile; what did not
// change is taken from it. retired is called once when the new generation's last
// request has left.
//
// A generation is returned whatever the problems, and the caller must Release
// it: with Problems.Config it must not serve.
func (b *Builder) Build(ctx context.Context, cfg *config.Config, store kv.Store, previous *Generation, retired func()) (*Generation, *Problems) {
	return b.BuildWith(ctx, cfg, store, previous, nil, retired)
}

// Module is what is to take the place of a plugin's file.
type Module struct {
	Plugin string
	Wasm   []byte
}

// BuildWith is Build as if the plugin's file were another, nil for none.
func (b *Builder) BuildWith(ctx context.Context, cfg *config.Config, store kv.Store, previous *Generation, instead *Module, retired func()) (*Generation, *Problems) {
	problems := new(Problems)
	g := &Generation{
		Number:   1,
		Config:   cfg,
		Built:    time.Now(),
		builder:  b,
		store:    store,
		table:    route.New[*Route](),
		plugins:  map[string]*Plugin{},
		services: map[string]*service{},
		counters: uncounted{},
		retired:  retired,
	}
	g.refs.Store(1)
	if b.Counters != nil {
		g.counters = b.Counters()
	}
	if previous != nil {
		g.Number = previous.Number + 1
	}

	names, err := pluginNames(cfg)
	if err != nil {
		problems.Config = append(problems.Config, *err)
	}
	if instead != nil && !slices.Contains(names, instead.Plugin) {
		names = append(names, instead.Plugin)
		slices.Sort(names)
	}
	g.loadAll(ctx, names, previous, instead)
	for _, name := range names {
		if err := g.plugins[name].err; err != nil {
			problems.Plugins = append(problems.Plugins, err)
		}
	}
	g.resolveServices()
	g.resolveTargets()
	g.resolveRoutes(problems)
	problems.Config.Sort()
	return g, problems
}

// loadAll loads the plugins side by side, as many at once as there are
// processors: compiling a large module takes seconds of one.
func (g *Generation) loadAll(ctx context.Context, names []string, previous *Generation, instead *Module) {
	loaded := make([]*Plugin, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var old *Plugin
			if previous != nil {
				old = previous.plugins[name]
			}
			read := readModule
			if instead != nil && instead.Plugin == name {
				read = instead.read
			}
			loaded[i] = g.load(ctx, name, read, old)
		})
	}
	wg.Wait()
	for i, name := range names {
		g.plugins[name] = loaded[i]
	}
}

// pluginNames returns the plugins of plugin_dir and of host.toml's sections and
// routes, sorted. Other files in the directory are none of the host's business.
func pluginNames(cfg *config.Config) ([]string, *config.Error) {
	names, err := pluginFiles(cfg)
	if err != nil {
		problem := cfg.Error(cfg.Lines.Of("plugin_dir"), "plugin_dir", "cannot read %s: %v; name a directory that the user that runs wasmlane may read", cfg.PluginDir, plain(err))
		if errors.Is(err, fs.ErrNotExist) {
			problem = cfg.Error(cfg.Lines.Of("plugin_dir"), "plugin_dir", "%s does not exist; create the directory or correct the key", cfg.PluginDir)
		}
		return nil, &problem
	}
	for name := range cfg.Plugins {
		names = append(names, name)
	}
	for _, r := range cfg.Routes {
		if r.Plugin != "" {
			names = append(names, r.Plugin)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// pluginFiles returns the plugins that have a file in plugin_dir.
func pluginFiles(cfg *config.Config) ([]string, error) {
	entries, err := os.ReadDir(cfg.PluginDir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name, isWasm := strings.CutSuffix(e.Name(), ".wasm")
		if isWasm && config.IsName(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Plugins returns the generation's plugins, sorted by name.
func (g *Generation) Plugins() []*Plugin {
	plugins := make([]*Plugin, 0, len(g.plugins))
	for _, p := range g.plugins {
		plugins = append(plugins, p)
	}
	slices.SortFunc(plugins, func(a, b *Plugin) int { return strings.Compare(a.Name, b.Name) })
	return plugins
}

// Ignored returns the files of the plugin directory that end in .wasm but whose
// names no plugin can have.
func Ignored(cfg *config.Config) []string {
	var names []string
	entries, _ := os.ReadDir(cfg.PluginDir) // Build reports the error
	for _, e := range entries {
		name, isWasm := strings.CutSuffix(e.Name(), ".wasm")
		if isWasm && !config.IsName(name) && !strings.HasPrefix(name, ".") {
			names = append(names, filepath.Join(cfg.PluginDir, e.Name()))
		}
	}
	return names
}

// handlerNames lists a plugin's handlers for a message.
func handlerNames(info *sandbox.Info) string {
	if len(info.Handlers) == 0 {
		return "it exports no handler"
	}
	return fmt.Sprintf("it exports %s", strings.Join(info.Handlers, ", "))
}
