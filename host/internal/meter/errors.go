package meter

import (
	"errors"
	"fmt"
)

// The kinds of refusals, for errors.Is. Every error of Rewrite is one of them.
var (
	// ErrMalformed: the bytes are no WebAssembly module.
	ErrMalformed = errors.New("malformed module")
	// ErrUnsupported: the module uses a feature that is turned off, or an
	// instruction that this version does not know.
	ErrUnsupported = errors.New("unsupported feature")
	// ErrReserved: the module uses a name that belongs to the host.
	ErrReserved = errors.New("reserved name")
	// ErrLimit: the module is larger than this host allows.
	ErrLimit = errors.New("limit exceeded")
)

// refusal is an error with its own text and one of the kinds above.
type refusal struct {
	kind error
	text string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.kind }

func malformed(at int, format string, args ...any) error {
	return &refusal{ErrMalformed, fmt.Sprintf("malformed module at byte %#x: ", at) + fmt.Sprintf(format, args...)}
}

// unsupported refuses a feature by name; what says where it shows.
func unsupported(feature string, at int, what string) error {
	return &refusal{ErrUnsupported, fmt.Sprintf("the module uses %s (%s at byte %#x), which this host does not run; compile it without", feature, what, at)}
}

// The features that are refused, by the names their proposals have.
const (
	featureExceptions  = "exception handling"
	featureThreads     = "threads"
	featureMemory64    = "memory64"
	featureMemories    = "multiple memories"
	featureReferences  = "typed function references"
	featureGC          = "garbage collection"
	featureRelaxedSIMD = "relaxed SIMD"
)

func limitError(format string, args ...any) error {
	return &refusal{ErrLimit, fmt.Sprintf(format, args...)}
}
