package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tetratelabs/wazero"
)

// build sets the compiled module: the cache has its machine code, or the engine
// makes it.
func (c *code) build(ctx context.Context, name string, wasm []byte, l *layout) (err error) {
	log, disk := c.runtime.log.With("plugin", name), c.runtime.cache
	began := time.Now()
	cached := false
	if disk != nil {
		if c.metered = disk.rewrites.load(c.key); c.metered != nil {
			cached = c.fromCache(ctx)
		}
	}
	if !cached {
		log.Info("compiling", "bytes", len(wasm))
		if c.metered, err = instrument(wasm, l); err != nil {
			return err
		}
		if err := c.anew(ctx, log); err != nil {
			return err
		}
		c.metered.Wasm = nil // the engine has made its code of it
	}
	c.metered.outline = nil
	log.Info("compiled", "duration", time.Since(began).Round(time.Millisecond), "cached", cached)
	return nil
}

// anew compiles the rewritten module, and with a cache puts its machine code
// there, to be found under the outline's name.
func (c *code) anew(ctx context.Context, log *slog.Logger) (err error) {
	disk, wasm := c.runtime.cache, c.metered.Wasm
	var id [32]byte
	if disk != nil {
		id = engineID(wasm)
		disk.wipe(id) // left over, when a process was ended between compiling and moving
	}
	c.closes = 1
	c.compiled, err = c.engineCompile(ctx, wasm)
	if err != nil && disk != nil {
		// It may have failed for the cache's sake: an entry that cannot be
		// read, or a full disk. After a failed write the engine holds the code
		// in memory, counted once too often for one Close.
		first := err
		disk.wipe(id)
		c.closes = 2
		if c.compiled, err = c.engineCompile(ctx, wasm); err == nil {
			log.Warn("the cache failed, the module is compiled without it", "error", first)
		}
	}
	if err != nil || disk == nil {
		return err
	}
	if err := c.metered.makeOutline(); err != nil || !disk.move(id, c.metered.id) {
		return nil // it serves as it is, and the next start compiles again
	}
	disk.rewrites.store(c.key, c.metered)
	// Load it as the next start will: the instructions need not stay in memory.
	whole, closes := c.compiled, c.closes
	if c.fromCache(ctx) {
		c.runtime.closeCompiled(whole, closes)
	} else {
		c.compiled, c.closes = whole, closes
	}
	return nil
}

// fromCache gives the engine the outline, for which it finds the machine code of
// the whole module in the cache. It reports whether that went well, and changes
// nothing if not.
//
// If the engine found no entry it would compile the outline itself, whose functions
// only trap, and put that into the cache. Therefore the entry must be there before, and
// the same file must be there after: what the engine compiles is a new file.
func (c *code) fromCache(ctx context.Context) bool {
	disk, m := c.runtime.cache, c.metered
	found := disk.hold(m.id)
	defer found.close()
	if len(found.files) == 0 {
		return false
	}
	compiled, err := c.engineCompile(ctx, m.outline)
	if err == nil && disk.unchanged(found) {
		c.compiled, c.closes, c.cacheFiles = compiled, 1, found.names()
		disk.used(c.cacheFiles)
		return true
	}
	// No other code may be left under the outline's name, neither on disk nor in
	// the engine's memory, where a failed write leaves it (see anew).
	closes := 1
	if err != nil {
		closes = 2
		compiled, _ = c.engineCompile(ctx, m.outline)
	}
	if compiled != nil {
		c.runtime.closeCompiled(compiled, closes)
	}
	disk.wipe(m.id)
	return false
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

// closeCompiled closes compiled code that often.
func (r *Runtime) closeCompiled(m wazero.CompiledModule, times int) {
	var errs []error
	for range times {
		errs = append(errs, m.Close(context.Background()))
	}
	if err := errors.Join(errs...); err != nil {
		r.log.Warn("closing compiled code", "error", err)
	}
}
