package generation

import (
	"sync/atomic"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/route"
)

// Generation is everything that host.toml and the plugin directory describe.
type Generation struct {
	Number int64
	Config *config.Config
	Built  time.Time

	builder  *Builder
	store    kv.Store
	table    *route.Table[*Route]
	routes   []*Route // in the order of the file
	plugins  map[string]*Plugin
	services map[string]*service
	targets  map[string]CallCounter // of services and origins; "" for all else
	counters Counters
	cors     bool // a route has it

	// refs counts the requests inside plus one for being current. It never
	// leaves zero again: a generation that reached it is retired.
	refs    atomic.Int64
	retired func()
}

// Store returns the store of its plugins.
func (g *Generation) Store() kv.Store { return g.store }

// acquire takes a reference, unless the generation is retired already.
func (g *Generation) acquire() bool {
	for {
		n := g.refs.Load()
		if n == 0 {
			return false
		}
		if g.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives back a reference. The last one retires the generation: pools
// close, and compiled code that no other generation uses is freed.
func (g *Generation) Release() {
	if g.refs.Add(-1) != 0 {
		return
	}
	for _, p := range g.plugins {
		p.release()
	}
	g.leaveServices()
	if g.counters != nil {
		g.counters.Leave()
	}
	if g.retired != nil {
		g.retired()
	}
}

// Current holds the generation that new requests get. The zero value holds none.
type Current struct {
	pointer atomic.Pointer[Generation]
}

// Acquire returns the current generation for one request, which releases it at
// its end; nil when there is none.
func (c *Current) Acquire() *Generation {
	for {
		g := c.pointer.Load()
		if g == nil || g.acquire() {
			return g
		}
		// It was swapped out and retired between the two steps: take the next.
	}
}

// Swap makes next the current generation, nil for none, and gives up the old
// one. Requests in the old one end there.
func (c *Current) Swap(next *Generation) {
	if next != nil {
		next.start()
	}
	if old := c.pointer.Swap(next); old != nil {
		old.Release()
	}
}
