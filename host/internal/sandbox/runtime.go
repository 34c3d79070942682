package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// features is what guests may use: WebAssembly 2.0 with tail calls and extended
// constants. Named one by one, so that a new version of the engine changes
// nothing by itself.
const features = api.CoreFeatureMutableGlobal |
	api.CoreFeatureSignExtensionOps |
	api.CoreFeatureNonTrappingFloatToIntConversion |
	api.CoreFeatureMultiValue |
	api.CoreFeatureBulkMemoryOperations |
	api.CoreFeatureReferenceTypes |
	api.CoreFeatureSIMD |
	experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst

// Options configure a Runtime.
type Options struct {
	// CacheDir is the directory for compiled code, made with mode 0700 when it
	// is missing. Empty, or unusable, means that modules are compiled anew by
	// each process; unusable is a warning in the log.
	CacheDir string
	// Imports are all functions that modules may import.
	Imports []Import
	// Reset is how instances are reset, ResetAuto but for tests. New fails when
	// another one does not work here.
	Reset ResetMode
	// Log receives what is compiled, and defects of host functions. nil discards.
	Log *slog.Logger
}

// Runtime compiles modules and holds the host functions they share. Several may
// run side by side; they share nothing but a cache directory. All methods may be
// called at any time from any goroutine.
type Runtime struct {
	engine   wazero.Runtime
	compiled wazero.CompilationCache // nil without a cache directory
	cache    *cache                  // nil likewise
	hosts    map[string]map[string]*hostFunc
	config   wazero.ModuleConfig // the same for every instance
	space    space               // where instances have their memory
	permits  *permits
	slice    int64 // fuel of a call's first slice
	log      *slog.Logger

	mu     sync.Mutex
	codes  map[[sha256.Size]byte]*code // by the module's checksum
	users  int                         // the owner, compilations, and every instance that is alive
	closed bool
}

// New makes a Runtime. Its errors are mistakes in o.
func New(ctx context.Context, o Options) (r *Runtime, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	hosts, err := hostTable(o.Imports)
	if err != nil {
		return nil, err
	}
	memories, err := openSpace(o.Reset, o.Log)
	if err != nil {
		return nil, err
	}
	r = &Runtime{
		hosts:   hosts,
		log:     o.Log,
		space:   memories,
		permits: newPermits(),
		codes:   map[[sha256.Size]byte]*code{},
		users:   1,
		// No name: instances of one module must not collide. No start
		// functions: _initialize is run here, and _start never. A random
		// source: the default one is seeded for each instance, which costs
		// more than all the rest of a small one; no import reaches it.
		config: wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(rand.Reader),
	}
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(features).
		WithDebugInfoEnabled(false)
	if o.CacheDir != "" {
		if r.cache, r.compiled, err = openCaches(o.CacheDir, o.Log); err != nil {
			o.Log.Warn("cache_dir is unusable, every start compiles all plugins again", "cache_dir", o.CacheDir, "error", err)
		} else {
			config = config.WithCompilationCache(r.compiled)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = recovered(p)
		}
		if err != nil {
			r.shut()
			r = nil
		}
	}()
	r.slice = calibrate(ctx)
	o.Log.Info("sandbox ready", "reset", r.space.String(), "slice_fuel", r.slice, "permits", r.permits.limit)
	r.engine = wazero.NewRuntimeWithConfig(ctx, config)
	return r, instantiateHosts(ctx, r.engine, hosts)
}

func openCaches(dir string, log *slog.Logger) (*cache, wazero.CompilationCache, error) {
	c, err := openCache(dir, log)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := wazero.NewCompilationCacheWithDir(c.dir)
	if err != nil {
		return nil, nil, err
	}
	return c, compiled, nil
}

// Close ends the Runtime: Load answers ErrClosed from now on. What is compiled
// is freed when the last instance that still runs has been put back.
func (r *Runtime) Close() {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if !closed {
		r.drop()
	}
}

// hold keeps the engine and the code for an instance, until letGo. It fails when
// the Runtime is closed or nobody holds the code.
func (r *Runtime) hold(c *code) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || c.refs == 0 {
		return false
	}
	r.users++
	c.refs++
	return true
}

func (r *Runtime) letGo(c *code) {
	c.release()
	r.drop()
}

// drop ends one use of the engine, and with the last one the engine.
func (r *Runtime) drop() {
	r.mu.Lock()
	r.users--
	last := r.users == 0
	r.mu.Unlock()
	if last {
		r.shut()
	}
}

// shut closes the engine. Nothing runs in it any more: closing it under a
// running guest would take its memory away.
func (r *Runtime) shut() {
	ctx := context.Background()
	var errs []error
	if r.engine != nil {
		errs = append(errs, r.engine.Close(ctx))
	}
	if r.compiled != nil {
		errs = append(errs, r.compiled.Close(ctx))
	}
	closeSpace(r.space)
	if err := errors.Join(errs...); err != nil {
		r.log.Warn("closing the engine", "error", err)
	}
}

// Load compiles a module, or finds it compiled: modules are known by their
// bytes, and the same bytes at the same time are compiled once. Different
// modules compile in parallel. name is what errors and the log call it. A ctx
// that ends lets the caller go; a compilation that has begun is completed.
//
// A module that cannot run on this host is ErrRefused, with a text that says why
// and what to do. The caller releases the Module.
func (r *Runtime) Load(ctx context.Context, name string, wasm []byte) (*Module, error) {
	return r.LoadHashed(ctx, name, wasm, sha256.Sum256(wasm))
}

// LoadHashed is Load for who has the module's SHA-256 already.
func (r *Runtime) LoadHashed(ctx context.Context, name string, wasm []byte, key [sha256.Size]byte) (*Module, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, ErrClosed
	}
	c, found := r.codes[key]
	if !found {
		c = &code{runtime: r, key: key, ready: make(chan struct{})}
		r.codes[key] = c
		r.users++ // the compilation, which ends before the engine may
	}
	c.refs++
	r.mu.Unlock()

	if !found {
		c.err = c.compile(context.WithoutCancel(ctx), name, wasm)
		close(c.ready)
		r.drop()
	}
	select {
	case <-c.ready:
	case <-ctx.Done():
		c.release()
		return nil, ctx.Err()
	}
	if c.err != nil {
		c.release()
		return nil, c.err
	}
	return &Module{code: c, name: name}, nil
}
