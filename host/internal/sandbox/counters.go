package sandbox

import (
	"errors"
	"sync/atomic"
	"time"
)

// Counters count what happens in a pool. They may serve one pool after another,
// those of the same plugin. The zero value is ready, and all may be read at any
// time.
type Counters struct {
	Created   atomic.Uint64               // instances made
	Discarded [len(reasons)]atomic.Uint64 // instances closed, by Reason
	Waits     atomic.Uint64               // calls of Get that had to wait
	Waited    atomic.Int64                // how long they did, together, in nanoseconds
	Busy      atomic.Uint64               // calls of Get that ended with ErrBusy
	Resets    atomic.Uint64               // instances put back to their image
	Dirty     atomic.Uint64               // bytes of memory that resets found written, where the system can tell
}

// Reason says why an instance was closed.
type Reason int

const (
	// ByTrap: the guest trapped, or misused a host function.
	ByTrap Reason = iota
	// ByMemory: the guest trapped after it had been refused more memory.
	ByMemory
	// ByStack: the guest called functions too deep.
	ByStack
	// ByDeadline: the time of the call was over.
	ByDeadline
	// ByCancel: nobody waited for the call any more.
	ByCancel
	// ByHost: the host could not go on with the call, by a fault of its own.
	ByHost
	// ByReset: the instance could not be put back to its image.
	ByReset
	// ByDesign: the module allows for no image, see Info.NoReset.
	ByDesign
	// ByUse: it had collected too many references to functions.
	ByUse
	// ByIdleness: nobody had needed it for a minute.
	ByIdleness
	// ByClose: its pool was closed.
	ByClose
)

var reasons = [...]string{"trap", "memory", "stack", "deadline", "canceled", "host", "reset", "no_reset", "references", "idle", "closed"}

// String returns the reason as the value of a label.
func (r Reason) String() string { return reasons[r] }

// reasonOf returns why an instance whose call ended so is discarded.
func reasonOf(t *Trap) Reason {
	switch {
	case t.Kind == Deadline:
		return ByDeadline
	case t.Kind == Canceled:
		return ByCancel
	case errors.Is(t, ErrStackLimit):
		return ByStack
	case t.MemoryLimit > 0:
		return ByMemory
	}
	return ByTrap
}

// fate says whether an instance that was put back is kept, and if not, why. One of
// a Fresh pool is marked to be reset, or reset at once when it may not be kept as it
// is.
func (p *Pool) fate(i *Instance, o Outcome) (keep bool, why Reason) {
	switch {
	case i.tainted:
		return false, i.end
	case o != Clean:
		return false, ByHost
	case i.references() > keepReferences:
		return false, ByUse
	case !p.o.Fresh:
		return true, 0
	case i.snapshot == nil:
		return false, ByDesign
	}
	i.leave()
	if !i.mayKeep(p.o.Resident) && !p.reset(i) {
		return false, ByReset
	}
	return true, 0
}

// reset puts an instance back to its image, and books that. It reports whether all
// went well.
func (p *Pool) reset(i *Instance) bool {
	if !i.reset(p.o.Resident) {
		return false
	}
	p.counters.Resets.Add(1)
	if r, ok := i.memory.region.(interface{ written() int }); ok {
		p.counters.Dirty.Add(uint64(r.written()))
	}
	return true
}

// refused books why Get has nothing to give, and returns it.
func (p *Pool) refused(err error) error {
	if errors.Is(err, ErrBusy) {
		p.counters.Busy.Add(1)
	}
	return err
}

// waited books a wait of Get.
func (p *Pool) waited(start time.Time) {
	p.counters.Waits.Add(1)
	p.counters.Waited.Add(int64(time.Since(start)))
}
