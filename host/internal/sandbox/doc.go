// Package sandbox runs guests: WebAssembly modules that nobody trusts. It knows
// the engine, and nothing of HTTP.
//
// A [Runtime] holds the host functions that guests may import and compiles
// modules, once for each content. A [Module] says what it is, in its [Info], and
// makes a [Pool], which hands out instances: bounded in number, each with memory
// of its own. [Instance.Call] runs a handler and returns nil or a [*Trap].
//
// # Pristine memory
//
// A pool initialises one instance and takes its snapshot. All instances start
// from that image, mapped privately, and with [PoolOptions.Fresh] each is put
// back to it after every request: the kernel tells which pages were written, and
// those are copied back, with the globals. A module that this would not put back
// whole gets a new instance for each request; [Info.NoReset] says why.
//
// # Stopping guests
//
// Modules are rewritten when they are loaded so that they count what they do, and
// call back every 0.2 ms. There a guest gives way to others, and there it ends
// when its deadline has passed or nobody waits any more, on its own goroutine.
//
// # Caveats
//
// An [Instance] runs one call at a time and belongs to one goroutine between
// [Pool.Get] and [Pool.Put]. The linear memory that an [Import] receives is
// valid until it returns; it may be unmapped later, so nothing of it is kept.
//
// Closing is safe in any order: a closed Pool waits for nobody and closes what
// is in use when it is put back, released code is freed when its last instance
// has gone, and so is a closed Runtime.
//
// One bulk instruction, such as memory.fill, is paid for before it runs and not
// interrupted: it takes as long as the memory limit allows. Tables are bounded at
// 1 Mi entries for one instance, references to functions likewise.
package sandbox
