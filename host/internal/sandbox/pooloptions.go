package sandbox

import (
	"context"
	"log/slog"
	"time"
)

// PoolOptions are what a plugin's settings say about its instances.
type PoolOptions struct {
	Name      string        // the plugin, for errors and the log
	Instances int           // at most this many exist at once
	Queue     time.Duration // how long Get waits for one; 0 does not wait
	Memory    uint64        // limit of the linear memory, in bytes; 0 is 4 GiB, wasm's own
	Fresh     bool          // every Get yields an instance as initialisation has left it

	// Resident is how many bytes of memory that requests have written an instance
	// keeps when it is put back to its image. It waits for the next request to be put
	// back when a request can have written no more than that, or usually writes much
	// less. 0 is 1 MiB.
	Resident int
	// Alive is asked from time to time while a guest computes, with the context
	// of its call. false ends the call as canceled. nil: nobody is asked.
	Alive func(ctx context.Context) bool

	// Exited reports whether a host function's panic is how a guest ends by
	// itself. An instance may then be put back as Clean, although Call returned a
	// *Trap; only a Fresh pool can make it whole again. nil: there is no such way.
	Exited func(err error) bool

	// InitTimeout bounds making one instance, _initialize and wasmlane_init
	// together. 0 is no limit of its own.
	InitTimeout time.Duration
	// InitContext makes the context that imports see during initialisation. It
	// gets one that carries the end of time, but no values of any request. nil
	// leaves that one as it is.
	InitContext func(context.Context) context.Context

	Log *slog.Logger // nil discards

	// Counters are added to. nil: the pool has its own.
	Counters *Counters
}
