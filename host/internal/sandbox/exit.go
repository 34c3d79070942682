package sandbox

// A command, run by its export _start, may return; most end in the middle of a host
// function, by an exit. The engine makes an error of that as of a trap, but the
// instance is as good as after a return, see PoolOptions.Exited.

// exited reports whether a call ended by the guest's own will. It has unwound
// all of the guest's frames, and the engine begins each call at the top of its
// native stack, so that memory and globals are all that must be put back.
func (i *Instance) exited(t *Trap) bool {
	return t.Err != nil && i.pool != nil && i.pool.o.Exited != nil && i.pool.o.Exited(t.Err)
}
