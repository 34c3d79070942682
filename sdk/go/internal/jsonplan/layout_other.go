//go:build !gc || tinygo

package jsonplan

// layoutKnown: other compilers keep small values in the interface itself, so that no
// type has a plan there.
const layoutKnown = false
