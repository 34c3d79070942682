//go:build gc && !tinygo

package jsonplan

// layoutKnown: interfaces are laid out as iface says.
const layoutKnown = true
