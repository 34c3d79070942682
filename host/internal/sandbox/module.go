package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/wasmlane/wasmlane/abi"
)

// Module is a compiled module, held until it is released.
type Module struct {
	code *code
	name string
	once sync.Once
}

// Info returns what the module says about itself. The caller does not change it.
func (m *Module) Info() *Info { return m.code.info }

// Release gives the module back; releasing it again does nothing. The compiled
// code is closed with its last holder, which may be an instance.
func (m *Module) Release() { m.once.Do(m.code.release) }

// code is the compiled code of one sequence of bytes, shared by all Modules that
// were loaded with them.
type code struct {
	runtime *Runtime
	key     [sha256.Size]byte
	refs    int // Modules, waiting Loads and instances; guarded by runtime.mu

	ready chan struct{} // closed when the rest is set; it does not change after
	err   error
	info  *Info

	metered    *metered
	memoryMost uint64 // bytes of memory that the module itself allows
	compiled   wazero.CompiledModule
	closes     int      // how often compiled must be closed, see engineCompile
	cacheFiles []string // where its machine code is on disk
}

// compile checks and compiles the module.
func (c *code) compile(ctx context.Context, name string, wasm []byte) error {
	l, err := parse(wasm)
	if err != nil {
		return err
	}
	if err := check(l, c.runtime.hosts); err != nil {
		return err
	}
	c.info = newInfo(l, wasm, c.key)
	c.memoryMost = memoryMost(l)
	if c.metered, err = c.rewritten(wasm, l); err != nil {
		return err
	}
	c.info.NoReset = noReset(c.metered.Reset)
	wasm = c.metered.Wasm

	log, disk := c.runtime.log.With("plugin", name), c.runtime.cache
	cached := disk != nil && disk.verify(wasm)
	if !cached {
		log.Info("compiling", "bytes", len(wasm))
	}
	began := time.Now()
	c.closes = 1
	c.compiled, err = c.engineCompile(ctx, wasm)
	if err != nil && disk != nil {
		// It may have failed for the cache's sake: an entry that cannot be
		// read, or a full disk. After a failed write the engine holds the code
		// in memory, counted once too often for one Close.
		first := err
		disk.wipe(wasm)
		c.closes = 2
		if c.compiled, err = c.engineCompile(ctx, wasm); err == nil {
			log.Warn("the cache failed, the module is compiled without it", "error", first)
		}
	}
	if err != nil {
		return err
	}
	if disk != nil {
		c.cacheFiles = disk.entries(wasm)
		disk.used(c.cacheFiles)
	}
	c.metered.Wasm = nil // the engine has made its code of it
	log.Info("compiled", "duration", time.Since(began).Round(time.Millisecond), "cached", cached)
	return nil
}

// rewritten returns the module as the engine gets it, from the cache if it is
// there.
func (c *code) rewritten(wasm []byte, l *layout) (*metered, error) {
	disk := c.runtime.cache
	if disk != nil {
		if m := disk.rewrites.load(c.key); m != nil {
			return m, nil
		}
	}
	m, err := instrument(wasm, l)
	if err == nil && disk != nil {
		disk.rewrites.store(c.key, m)
	}
	return m, err
}

// engineCompile lets the engine validate and compile. With more than one worker
// a large module would be ready sooner, but a panic of the engine in a goroutine
// of its own could not be recovered and would end the process.
func (c *code) engineCompile(ctx context.Context, wasm []byte) (compiled wazero.CompiledModule, err error) {
	defer func() {
		if p := recover(); p != nil {
			compiled, err = nil, recovered(p)
		}
	}()
	compiled, err = c.runtime.engine.CompileModule(ctx, wasm)
	if err != nil {
		return nil, refusef("invalid module: %s", oneLine(err.Error()))
	}
	return compiled, nil
}

// release lets go of the code for one holder.
func (c *code) release() {
	r := c.runtime
	r.mu.Lock()
	c.refs--
	last := c.refs == 0
	if last {
		// Under the lock: the engine counts by content, and the same bytes
		// must not be compiled anew between the first close and the last.
		delete(r.codes, c.key)
		if c.compiled != nil {
			var errs []error
			for range c.closes {
				errs = append(errs, c.compiled.Close(context.Background()))
			}
			if err := errors.Join(errs...); err != nil {
				r.log.Warn("closing compiled code", "error", err)
			}
		}
	}
	r.mu.Unlock()
	if last && r.cache != nil {
		r.cache.used(c.cacheFiles) // its time unused begins now
	}
}

// isHandler reports whether Call may run the export of that name.
func (c *code) isHandler(name string) bool {
	if name == abi.ExportStart {
		return c.info.Command
	}
	_, found := slices.BinarySearch(c.info.Handlers, name)
	return found
}
