package sandbox

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"

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
	closes     int      // how often compiled must be closed, see anew
	cacheFiles []string // where its machine code is on disk
	trimmed    bool     // Trim has seen it; guarded by runtime.mu

	machine atomic.Pointer[[]byte] // its machine code, once an instance was made
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
	if err := c.build(ctx, name, wasm, l); err != nil {
		return err
	}
	c.info.NoReset = noReset(c.metered.Reset)
	return nil
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
			r.closeCompiled(c.compiled, c.closes)
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
