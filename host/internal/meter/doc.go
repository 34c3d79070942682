// Package meter makes a WebAssembly module interruptible and restorable, by
// rewriting it: bytes in, bytes out. It knows no engine.
package meter
