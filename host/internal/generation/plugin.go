package generation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
)

// Plugin is a .wasm file at work under its settings. Generations share it as
// long as neither changes.
type Plugin struct {
	Name     string
	Settings *config.Plugin

	file    string // as it stands in messages
	hash    string // SHA-256 of the file; "" when it could not be read
	store   kv.Store
	view    *exchange.Plugin
	module  *sandbox.Module
	pool    *sandbox.Pool
	streams bool  // imports flush, for its handlers
	err     error // why it did not load; then there is no pool
	record  *Record

	compiled, initialised time.Duration // what loading took

	refs atomic.Int64 // generations that hold it
}

// Err returns why the plugin did not load, or nil.
func (p *Plugin) Err() error { return p.err }

// Hash returns the SHA-256 of the plugin's file in hexadecimal.
func (p *Plugin) Hash() string { return p.hash }

// Info returns what the module says of itself, or nil when it did not load.
func (p *Plugin) Info() *sandbox.Info {
	if p.module == nil {
		return nil
	}
	return p.module.Info()
}

// Record returns what is remembered of the plugin, earlier generations included.
func (p *Plugin) Record() *Record { return p.record }

// Took returns how long the module took to compile and its first instance to
// initialise; 0 when it did not come to that.
func (p *Plugin) Took() (compile, initialise time.Duration) { return p.compiled, p.initialised }

// File returns the plugin's file.
func (p *Plugin) File() string { return p.file }

// Stats returns the state of the plugin's pool.
func (p *Plugin) Stats() sandbox.Stats {
	if p.pool == nil {
		return sandbox.Stats{}
	}
	return p.pool.Stats()
}

func (p *Plugin) release() {
	if p.refs.Add(-1) != 0 {
		return
	}
	if p.pool != nil {
		p.pool.Close()
	}
	if p.module != nil {
		p.module.Release()
	}
}

// same reports whether a plugin with these bytes, settings and store would be
// what p is.
func (p *Plugin) same(hash string, settings *config.Plugin, store kv.Store, maxResponse int64) bool {
	a, b := *p.Settings, *settings
	a.Lines, b.Lines = config.Lines{}, config.Lines{}
	return p.err == nil && p.hash == hash && p.store == store &&
		p.view.MaxResponse == maxResponse && reflect.DeepEqual(a, b)
}

// load reads, checks and compiles the plugin's file and initialises a first
// instance, or carries over what an earlier generation has.
func (g *Generation) load(ctx context.Context, name string, read readFunc, previous *Plugin) *Plugin {
	b, cfg, store, counters := g.builder, g.Config, g.store, g.counters
	settings := cfg.Plugin(name)
	p := &Plugin{
		Name:     name,
		Settings: settings,
		file:     filepath.Join(cfg.PluginDir, name+".wasm"),
		store:    store,
		record:   counters.Plugin(name),
	}
	p.refs.Store(1)
	p.view = &exchange.Plugin{
		Name:        name,
		Config:      settings.Config,
		Log:         b.GuestLog,
		MaxResponse: cfg.Server.MaxResponse,
	}
	if b.LogLimit != nil {
		p.view.LogLimit = b.LogLimit(name)
	}
	if settings.Store != "" {
		p.view.Keyspace = counters.Keyspace(settings.Store, store.Keyspace(settings.Store))
	}

	wasm, err := read(p.file, settings)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.err = absent(cfg, name, p.file)
		return p
	case err != nil:
		p.err = fmt.Errorf("%s: %w", p.file, err)
		return p
	}
	sum := sha256.Sum256(wasm)
	p.hash = hex.EncodeToString(sum[:])
	if previous != nil && previous.same(p.hash, settings, store, p.view.MaxResponse) {
		previous.refs.Add(1)
		return previous
	}
	p.err = b.compile(ctx, cfg, p, wasm, sum)
	var placed config.Error
	if p.err != nil && !errors.As(p.err, &placed) {
		p.err = fmt.Errorf("%s: %w", p.file, p.err)
	}
	return p
}

// compile makes a plugin ready to serve. An error that is no config.Error is
// about the plugin's file.
func (b *Builder) compile(ctx context.Context, cfg *config.Config, p *Plugin, wasm []byte, sum [sha256.Size]byte) (err error) {
	if want := p.Settings.SHA256; want != "" && want != p.hash {
		return cfg.Error(p.Settings.Lines.Of("sha256"), "plugin."+p.Name+".sha256",
			"%s has the SHA-256 %s; write that if this file is meant", p.file, p.hash)
	}
	start := time.Now()
	p.module, err = b.Runtime.LoadHashed(ctx, p.Name, wasm, sum)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			p.module.Release()
			p.module = nil
		}
	}()
	info := p.module.Info()
	if err := checkGrants(cfg, p.file, info, p.Settings); err != nil {
		return err
	}
	if err := checkCommand(cfg, p.file, info, p.Settings); err != nil {
		return err
	}
	for _, i := range info.Imports {
		if i.Module == abi.Module && i.Name == "flush" {
			p.streams = len(info.Handlers) > 0 // a command cannot flush
		}
	}
	compiled := time.Now()
	p.compiled = compiled.Sub(start)
	p.pool, err = p.module.NewPool(ctx, sandbox.PoolOptions{
		Name:        p.Name,
		Instances:   p.Settings.Instances,
		Queue:       p.Settings.Queue,
		Memory:      uint64(p.Settings.Memory),
		Fresh:       p.Settings.Isolation == config.IsolationRequest || info.Command,
		Alive:       waitedFor,
		Exited:      exited,
		InitTimeout: p.Settings.InitTimeout,
		InitContext: p.initContext,
		Log:         b.Log,
		Counters:    &p.record.Pool,
	})
	p.initialised = time.Since(compiled)
	if err != nil {
		var init *sandbox.InitError
		if errors.As(err, &init) && init.Trap != nil && init.Trap.Stack != "" {
			b.Log.Error("plugin failed to initialise", slog.String("plugin", p.Name), slog.String("wasm_stack", init.Trap.Stack))
		}
		if init != nil && init.Trap != nil {
			p.record.failed(Failure{Handler: abi.ExportInit, Kind: init.Trap.Kind.String(), Reason: init.Trap.Reason, Stack: init.Trap.Stack})
		}
		return err
	}
	b.Log.Info("plugin loaded", slog.String("plugin", p.Name),
		slog.Int("bytes", len(wasm)), slog.Int("handlers", len(info.Handlers)),
		slog.Duration("compile", p.compiled.Round(time.Millisecond)),
		slog.Duration("init", p.initialised.Round(time.Microsecond)))
	return nil
}

// waitedFor reports whether somebody still waits for what a guest computes.
func waitedFor(ctx context.Context) bool {
	x := exchange.From(ctx)
	return x == nil || x.Alive()
}

// initContext gives _initialize and wasmlane_init an exchange without a request.
func (p *Plugin) initContext(ctx context.Context) context.Context {
	x := exchange.NewInit(p.view)
	if deadline, ok := ctx.Deadline(); ok {
		x.SetDeadline(deadline)
	}
	return exchange.With(ctx, x)
}

// readFunc returns a plugin's module.
type readFunc func(file string, settings *config.Plugin) ([]byte, error)

// read takes the module instead of the file.
func (m *Module) read(_ string, settings *config.Plugin) ([]byte, error) {
	if int64(len(m.Wasm)) > settings.MaxModule {
		return nil, tooLarge(int64(len(m.Wasm)), settings)
	}
	return m.Wasm, nil
}

func tooLarge(size int64, settings *config.Plugin) error {
	return fmt.Errorf("%d bytes are over max_module of %d; raise max_module in [plugin.%s] if the file is meant",
		size, settings.MaxModule, settings.Name)
}

// readModule reads a plugin's file, refusing one that is over max_module before
// any of it is in memory.
func readModule(file string, settings *config.Plugin) ([]byte, error) {
	// A look first: to open a pipe would wait for somebody who writes.
	stat, err := os.Stat(file)
	if err != nil {
		return nil, plain(err)
	}
	if !stat.Mode().IsRegular() {
		return nil, errors.New("not a regular file; put a module in its place, or remove it")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	if stat.Size() > settings.MaxModule {
		return nil, tooLarge(stat.Size(), settings)
	}
	var wasm bytes.Buffer
	wasm.Grow(int(stat.Size()) + bytes.MinRead) // it reads without a copy
	// One byte more tells a file that grew meanwhile.
	_, err = wasm.ReadFrom(io.LimitReader(f, settings.MaxModule+1))
	switch {
	case err != nil:
		return nil, plain(err)
	case int64(wasm.Len()) > settings.MaxModule:
		return nil, fmt.Errorf("over max_module of %d bytes", settings.MaxModule)
	}
	return wasm.Bytes(), nil
}

// absent says that a plugin has no file, and where host.toml asks for it: at its
// first route, which is where a name is mistyped most, or else at its section. A link
// that leads nowhere may be there without either.
func absent(cfg *config.Config, name, file string) error {
	if to, err := os.Readlink(file); err == nil {
		return fmt.Errorf("%s: a link to %s, which does not exist; correct the link, or remove it", file, to)
	}
	advice := "build the plugin into plugin_dir, or remove what host.toml says of it"
	if files, err := pluginFiles(cfg); err == nil {
		if near := config.Nearest(name, files); near != "" && near != name {
			advice = fmt.Sprintf("did you mean %q?", near)
		}
	}
	for _, r := range cfg.Routes {
		if r.Plugin == name {
			return cfg.Error(r.Lines.Of("handler"), "route.handler", "there is no %s; %s", file, advice)
		}
	}
	return cfg.Error(cfg.Plugin(name).Lines.Header, "plugin."+name, "there is no %s; %s", file, advice)
}

// plain drops the path from a file error; the caller's message starts with it.
func plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
