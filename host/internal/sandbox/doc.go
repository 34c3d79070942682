// Package sandbox runs guests: WebAssembly modules that nobody trusts. It knows
// the engine, and nothing of HTTP.
//
// A [Runtime] holds the host functions that guests may import and compiles
// modules, once for each content. A [Module] says what it is, in its [Info], and
// makes a [Pool], which hands out instances: bounded in number, each with memory
// of its own. [Instance.Call] runs a handler and returns nil or a [*Trap].
//
// # Caveats
//
// An [Instance] runs one call at a time and belongs to one goroutine between
// [Pool.Get] and [Pool.Put]. The linear memory that an [Import] receives is
// valid until it returns.
//
// Closing is safe in any order: a closed Pool waits for nobody and closes what
// is in use when it is put back, released code is freed when its last instance
// has gone, and so is a closed Runtime.
//
// The engine stops a guest at loops and host calls only, and its native stack is
// bounded at about 100 MB for one call. Tables are bounded at 1 Mi entries for
// one instance.
package sandbox
