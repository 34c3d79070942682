package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong with host.toml.
type Error struct {
	File    string
	Line    int    // 1-based; 0 when it is about the file as a whole
	Key     string // "route.timeout"; "" when it is about no key
	Message string
}

// Error returns "host.toml:14: route.timeout: message".
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Error returns an error about host.toml: every one of them is made here, those
// of later stages too. line is 0 when the error has none, key is "" when it is
// about no key.
func (c *Config) Error(line int, key, format string, args ...any) Error {
	return Error{File: c.File, Line: line, Key: key, Message: fmt.Sprintf(format, args...)}
}

// Errors is everything wrong with host.toml, in the order of its lines.
type Errors []Error

// Error returns one line per error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Sort orders the errors by line and returns them.
func (e Errors) Sort() Errors {
	slices.SortStableFunc(e, func(a, b Error) int { return cmp.Compare(a.Line, b.Line) })
	return e
}
