package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/wasmlane/wasmlane/abi"
)

// Instance is a module with memory of its own. It belongs to whoever got it from
// a Pool until it is put back, and runs one call at a time.
type Instance struct {
	code    *code
	module  api.Module
	memory  *memory
	entries map[string]api.Function // handlers already called; each owns a native stack

	pool    *Pool
	out     bool      // somebody has it; guarded by pool.mu
	since   time.Time // when it became idle; guarded by pool.mu
	tainted bool      // the engine may still close it behind our back, see run
}

// InitError says which step of making an instance failed.
type InitError struct {
	Step    string        // "start section", "_initialize" or "wasmlane_init"
	Trap    *Trap         // how it ended, with the wasm stack
	Timeout time.Duration // PoolOptions.InitTimeout when that is what ended it, else 0
}

// Error implements error, without the stack.
func (e *InitError) Error() string {
	if e.Timeout > 0 {
		return fmt.Sprintf("%s did not end within %s (init_timeout)", e.Step, e.Timeout)
	}
	return fmt.Sprintf("%s failed: %s", e.Step, e.Trap.Reason)
}

// Unwrap returns the Trap.
func (e *InitError) Unwrap() error { return e.Trap }

// Call runs a handler of the module. deadline is when it is stopped, zero for
// never; it is stopped as well when ctx ends. The result is nil or a *Trap, after
// which the instance is of no more use.
//
// A guest is stopped at the next iteration of a loop, or when a host function
// returns. Recursion without a loop is not stopped before its native stack is
// full.
func (i *Instance) Call(ctx context.Context, handler string, deadline time.Time) error {
	f, ok := i.entries[handler]
	if !ok {
		if !i.code.isHandler(handler) {
			return &Trap{Reason: fmt.Sprintf("the module has no handler %q", handler)}
		}
		f = i.module.ExportedFunction(handler)
		i.entries[handler] = f
	}
	if t := i.run(ctx, f, deadline); t != nil {
		return t
	}
	return nil
}

// run calls a function under a deadline.
//
// The engine watches the context from a goroutine of its own, which may close
// the module a moment after the call has returned. It can only do so when the
// context ended before the return, so that is what taints an instance.
func (i *Instance) run(ctx context.Context, f api.Function, deadline time.Time) (t *Trap) {
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			t = newTrap(recovered(p), i.code.runtime.log)
		}
		i.tainted = i.tainted || t != nil || ctx.Err() != nil
	}()
	if err := f.CallWithStack(&callContext{ctx, i.memory}, nil); err != nil {
		return newTrap(err, i.code.runtime.log)
	}
	return nil
}

// close frees the instance. Nothing may run in it.
func (i *Instance) close() {
	if err := i.module.Close(context.Background()); err != nil {
		i.code.runtime.log.Warn("closing an instance", "error", err)
	}
	i.memory.buf = nil
	i.code.runtime.letGo(i.code)
}

// instantiate makes an instance and initialises it. ctx gives the end, not the
// values: those come from o.InitContext. expect is how much memory the last one
// had when it was ready. The deadline, unless zero, is that of the request that
// waits.
func instantiate(ctx context.Context, c *code, o *PoolOptions, expect uint64, deadline time.Time) (i *Instance, err error) {
	if !c.runtime.hold(c) {
		return nil, ErrClosed
	}
	i = &Instance{code: c, memory: &memory{limit: o.Memory, expect: expect}, entries: map[string]api.Function{}}
	defer func() {
		if p := recover(); p != nil {
			err = recovered(p)
		}
		if err == nil {
			return
		}
		if i.module != nil {
			i.close()
		} else {
			c.runtime.letGo(c)
		}
		i = nil
	}()

	request := ctx
	ctx = valueless{ctx}
	limit := time.Time{}
	if o.InitTimeout > 0 {
		limit = time.Now().Add(o.InitTimeout)
	}
	end := earlier(limit, deadline)
	if !end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	if o.InitContext != nil {
		ctx = o.InitContext(ctx)
	}
	failed := func(step string, t *Trap) error {
		switch {
		case t.Kind == Trapped:
			return &InitError{Step: step, Trap: t}
		case t.Kind == Canceled:
			return context.Canceled
		case request.Err() == nil && !limit.IsZero() && end.Equal(limit):
			return &InitError{Step: step, Trap: t, Timeout: o.InitTimeout}
		}
		return context.DeadlineExceeded
	}

	start := &callContext{experimental.WithMemoryAllocator(ctx, i.memory), i.memory}
	i.module, err = c.runtime.engine.InstantiateModule(start, c.compiled, c.runtime.config)
	if err != nil {
		i.module = nil
		return i, instantiateError(err, c, failed)
	}
	for _, step := range []struct {
		name string
		has  bool
	}{{abi.ExportInitialize, c.info.HasInitialize}, {abi.ExportInit, c.info.HasInit}} {
		if !step.has {
			continue
		}
		if t := i.run(ctx, i.module.ExportedFunction(step.name), time.Time{}); t != nil {
			return i, failed(step.name, t)
		}
	}
	if ctx.Err() != nil { // it ended with the last breath of its time
		return i, failed("initialisation", &Trap{Kind: kindOf(ctx.Err()), Reason: "the deadline passed"})
	}
	return i, nil
}

// instantiateError tells a start section that failed from a module that cannot
// be instantiated at all, such as one whose data does not fit its memory.
func instantiateError(err error, c *code, failed func(string, *Trap) error) error {
	var exit *sys.ExitError
	inner := errors.Unwrap(err)
	switch {
	case errors.As(err, &exit):
		return failed("start section", newTrap(err, c.runtime.log))
	case inner != nil && strings.Contains(inner.Error(), stackMark):
		return failed("start section", newTrap(inner, c.runtime.log))
	}
	return refusef("the module cannot be instantiated: %s", oneLine(err.Error()))
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
