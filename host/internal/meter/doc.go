// Package meter makes WebAssembly guests interruptible, by rewriting a module
// before it is compiled: bytes in, bytes out. It knows no engine and no host.
//
// # What a rewritten guest does
//
// It pays for what it runs, in fuel. One unit is the work of an addition, about a
// third of a nanosecond. When the fuel is used up the guest calls the imported
// function yield, in the middle of what it does, and goes on with the fuel that
// yield returns. Yield may also end it, by a panic of the host. Nothing that a
// guest can run is free, and between two payments it runs a bounded weight, see
// [Options.Bound]: loops pay when they repeat, functions where calls can multiply,
// operations on ranges for their length, piece by piece when there is not enough
// fuel for all of it (bulk.go).
//
// The native stack that the engine keeps for calls is bounded as well. Functions in
// cycles of the call graph count an estimate of their frames. Past the limit the
// guest calls yield, which finds [StackSpent] and ends it.
//
// Both counts share one number, the state, in an exported global. Before a call the
// host sets it with [NewState], and yield makes a new one with [Refill].
//
// # What it does not do otherwise
//
// Results, memory and globals are what they would be without. The start function is
// not run by the engine any more, the host calls [Result.Start]. All mutable globals
// are exported, so that a host can save and restore them, and [Result.Reset] says
// what it could not restore. Active data segments are joined. Of custom sections,
// names and producers are kept.
//
// # How
//
// [Rewrite] parses a module (parse.go, items.go, instr.go), reads all code once
// for the call graph (scan.go, graph.go), chooses where cycles are cut (cuts.go),
// decides from callees to callers what each function pays (plan.go), and writes the
// new code (translate.go, branch.go, loop.go, slow.go, bulk.go, emit.go) and the new sections
// (encode.go, data.go, names.go, vector.go). walk.go sees through the shape of Go's
// own code, where every jump is a loop's repetition.
//
// # Caveats
//
// A function that keeps the state in a local variable puts it back before it calls
// what needs it, so a host function may read it but not change it; only yield may.
//
// Weights and frame sizes are estimates for one engine on common processors.
package meter
