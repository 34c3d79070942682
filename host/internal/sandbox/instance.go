package sandbox

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasmlane/wasmlane/host/internal/meter"
)

// Instance is a module with memory of its own. It belongs to whoever got it from
// a Pool until it is put back, and runs one call at a time.
type Instance struct {
	code    *code
	module  api.Module
	memory  *memory
	state   api.MutableGlobal // fuel and native stack that are left, see meter
	globals []global
	entries []*entry // handlers already called
	context callContext
	alive   func(context.Context) bool // PoolOptions.Alive

	made     reflect.Value // the references to functions that it has made
	madeBase int           // how many there were when it was new

	snapshot *snapshot // what it is put back to; nil when it cannot be

	pool    *Pool
	out     atomic.Bool   // somebody has it
	queued  time.Duration // see Queued
	tainted bool          // a call failed; touched by its holder only
	end     Reason        // why, when tainted
	proven  bool          // it was reset before, so that its region knows what requests write
	spent   bool          // it has served and is to be reset; touched by its holder only
	left    moment        // when it was put back, if it is spent
	needed  bool          // since the pool was trimmed last; guarded by pool.mu
}

// Call runs a handler of the module. deadline is when it is stopped, zero for
// never; it is stopped as well when ctx ends, or PoolOptions.Alive says that
// nobody waits any more. Host functions get ctx as it is. The result is nil or a
// *Trap, after which the instance is of no more use. Of a command it runs _start,
// which may also end by an exit, see exit.go.
//
// A guest that computes is stopped within a slice, about 0.2 ms. While it is in
// a host function, that function has to look at the time.
func (i *Instance) Call(ctx context.Context, handler string, deadline time.Time) error {
	e := i.entry(handler)
	if e == nil {
		return &Trap{Reason: fmt.Sprintf("the module has no handler %q", handler)}
	}
	t := i.run(ctx, e, deadline)
	if e.stackSize() > keepStack {
		i.forget(e)
	}
	if t != nil {
		return t
	}
	return nil
}

// entry returns a handler's function, nil when there is none. They are few: a
// plugin has some handlers, and each instance has called some of them.
func (i *Instance) entry(handler string) *entry {
	for _, e := range i.entries {
		if e.name == handler {
			return e
		}
	}
	if !i.code.isHandler(handler) {
		return nil
	}
	e := newEntry(handler, i.module.ExportedFunction(handler))
	i.entries = append(i.entries, e)
	return e
}

// forget drops a function, and its native stack with it. The next call makes it
// anew.
func (i *Instance) forget(e *entry) {
	for k, have := range i.entries {
		if have == e {
			last := len(i.entries) - 1
			i.entries[k] = i.entries[last]
			i.entries[last] = nil
			i.entries = i.entries[:last]
			return
		}
	}
}

// run calls a function under a deadline.
func (i *Instance) run(ctx context.Context, e *entry, deadline time.Time) (t *Trap) {
	defer func() {
		if p := recover(); p != nil {
			t = newTrap(recovered(p), i.code.runtime.log)
		}
		i.context.end()
		i.tainted = i.tainted || t != nil && !i.exited(t)
		if t != nil && i.memory.refused {
			t.MemoryLimit = i.memory.limit
		}
		if t != nil {
			i.end = reasonOf(t)
		}
	}()
	i.memory.refused = false
	slice := i.code.runtime.slice
	i.context.begin(ctx, e, deadline, slice)
	i.state.Set(meter.NewState(slice))
	if err := e.function.CallWithStack(&i.context, nil); err != nil {
		return newTrap(err, i.code.runtime.log)
	}
	return nil
}

// Queued returns how long Get has waited for the instance, or for it to be made.
func (i *Instance) Queued() time.Duration { return i.queued }

// references returns how many references to functions the instance has made.
func (i *Instance) references() int { return length(i.made) - i.madeBase }

// leave notes that a request is done with the instance.
func (i *Instance) leave() { i.spent, i.left = true, i.code.runtime.space.now() }

// mayKeep reports whether what a request has written may stay as it is until the
// instance serves again, where most is the budget for that: its memory has not grown,
// and all of it is within the budget, or what requests usually write.
func (i *Instance) mayKeep(most int) bool {
	size := i.snapshot.image.size()
	if len(i.memory.buf) > size {
		return false
	}
	r, tells := i.memory.region.(interface{ written() int })
	return size <= most || tells && i.proven && r.written() <= most/4
}

// reset puts the instance back to its snapshot, so that it is like new. It
// reports whether all went well; if not, the instance must not be used.
func (i *Instance) reset(keep int) bool {
	if !i.spent {
		i.leave()
	}
	err := i.memory.restore(i.module.Memory(), keep, i.left)
	if err == nil {
		err = i.snapshot.restoreGlobals(i.globals)
	}
	if err != nil {
		i.code.runtime.log.Warn("an instance could not be reset, it is discarded", "error", err)
	}
	i.spent, i.proven = false, true
	return err == nil
}

// close frees the instance. Nothing may run in it.
func (i *Instance) close() {
	if err := i.module.Close(context.Background()); err != nil {
		i.code.runtime.log.Warn("closing an instance", "error", err)
	}
	i.memory.free()
	if i.snapshot != nil {
		i.snapshot.drop()
	}
	i.code.runtime.letGo(i.code)
}

func kindOf(err error) Kind {
	if errors.Is(err, context.Canceled) {
		return Canceled
	}
	return Deadline
}

// earlier returns the earlier of two times; zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
