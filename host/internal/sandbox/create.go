package sandbox

import (
	"context"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/meter"
)

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

// instantiate makes an instance: one that has run nothing, or, with a snapshot,
// one that is like it.
func instantiate(c *code, o *PoolOptions, from *snapshot) (i *Instance, err error) {
	if !c.runtime.hold(c) {
		return nil, ErrClosed
	}
	memory, err := newMemory(c.runtime.space, c.info.MemoryMin, min(o.Memory, c.memoryMost))
	if err != nil {
		c.runtime.letGo(c)
		return nil, err
	}
	i = &Instance{code: c, memory: memory, alive: o.Alive}
	i.context.instance = i
	i.context.turn.ready = make(chan bool, 1)
	defer func() {
		if p := recover(); p != nil {
			err = recovered(p)
		}
		switch {
		case err == nil:
		case i.module != nil:
			i.close()
		default:
			memory.free()
			c.runtime.letGo(c)
		}
	}()
	ctx := experimental.WithMemoryAllocator(context.Background(), memory)
	i.module, err = c.runtime.engine.InstantiateModule(ctx, c.compiled, c.runtime.config)
	if err != nil {
		i.module = nil
		return i, refusef("the module cannot be instantiated: %s", oneLine(err.Error()))
	}
	if err := i.findGlobals(); err != nil {
		return i, err
	}
	if from != nil {
		if err := from.attach(i); err != nil {
			return i, err
		}
	}
	i.noteReferences()
	return i, nil
}

// initialise runs what a module wants to be run before the first request. ctx
// gives the end, not the values: those come from o.InitContext. The deadline,
// unless zero, is that of the request that waits.
func (i *Instance) initialise(ctx context.Context, o *PoolOptions, deadline time.Time) error {
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
	alive := i.alive
	i.alive = nil // there is no request to ask about
	defer func() { i.alive = alive }()

	c := i.code
	for _, step := range []struct {
		name, export string
		has          bool
	}{
		{"start section", c.metered.Start, c.metered.Start != ""},
		{abi.ExportInitialize, abi.ExportInitialize, c.info.HasInitialize},
		{abi.ExportInit, abi.ExportInit, c.info.HasInit},
	} {
		if !step.has {
			continue
		}
		if t := i.run(ctx, newEntry(step.export, i.module.ExportedFunction(step.export)), end); t != nil {
			return failed(step.name, t)
		}
	}
	if ctx.Err() != nil { // it ended with the last breath of its time
		return failed("initialisation", &Trap{Kind: kindOf(ctx.Err()), Reason: "the deadline passed"})
	}
	i.noteReferences()
	return nil
}

// findGlobals finds the globals that metering and resetting need.
func (i *Instance) findGlobals() error {
	m := i.code.metered
	state, err := globalOf(i.module, meter.Global{Export: m.State})
	if err != nil {
		return err
	}
	i.state = state.cell
	for _, g := range m.Globals {
		found, err := globalOf(i.module, g)
		if err != nil {
			return err
		}
		i.globals = append(i.globals, found)
	}
	return nil
}

// noteReferences begins to count the references that the instance makes. Of the
// first instance it notes where its machine code is, too.
func (i *Instance) noteReferences() {
	for name := range i.module.ExportedFunctionDefinitions() {
		f := i.module.ExportedFunction(name)
		if i.code.machine.Load() == nil {
			machine := executableOf(f)
			i.code.machine.Store(&machine)
		}
		i.made = referencesOf(f)
		i.madeBase = length(i.made)
		return
	}
}
