package sandbox

import (
	"errors"
	"fmt"
)

// Sentinels, for errors.Is.
var (
	// ErrRefused is in every error about the module itself: it cannot run on
	// this host as it is, and loading the same bytes again will not help.
	ErrRefused = errors.New("sandbox: module refused")
	// ErrTruncated is in the error for a module that ends too early, such as a
	// file that is still being written. It is an ErrRefused too.
	ErrTruncated = errors.New("sandbox: module truncated")
	// ErrBusy is Get's answer when no instance became free in time.
	ErrBusy = errors.New("sandbox: no instance is free")
	// ErrStackLimit is in the *Trap of a guest that called functions too deep.
	ErrStackLimit = errors.New("sandbox: stack limit")
	// ErrMappings is in the error when the instances of all plugins have as many
	// memory mappings as the process may have, vm.max_map_count on Linux.
	ErrMappings = errors.New("sandbox: out of memory mappings")
	// ErrClosed is the answer of a closed Pool or Runtime.
	ErrClosed = errors.New("sandbox: closed")
)

// errNoMemory is an instance's memory that the system does not give.
var errNoMemory = errors.New("sandbox: the system gives no memory for an instance")

// refusal is an error about a module. Its text stands alone.
type refusal struct {
	text string
	kind error // ErrTruncated or nil
}

func (e *refusal) Error() string { return e.text }

func (e *refusal) Is(target error) bool {
	return target == ErrRefused || (e.kind != nil && target == e.kind)
}

func refusef(format string, args ...any) error {
	return &refusal{text: fmt.Sprintf(format, args...)}
}

func truncatedf(format string, args ...any) error {
	return &refusal{text: "truncated module: " + fmt.Sprintf(format, args...), kind: ErrTruncated}
}

// feature is a proposal that this host does not run, with what to do about it.
type feature struct{ name, advice string }

var (
	featureThreads    = feature{"threads", "build without threads and atomics"}
	featureMemory64   = feature{"memory64", "build for wasm32"}
	featureMemories   = feature{"multi-memory", "use a single memory"}
	featureExceptions = feature{"exceptions", "build without WebAssembly exceptions"}
	featureReferences = feature{"typed references and garbage collection", "build for WebAssembly 2.0"}
)

func refuseFeature(f feature, seen string) error {
	return refusef("the module uses %s (%s), which this host does not run; %s", f.name, seen, f.advice)
}

// formatSize writes a number of bytes the way host.toml has it.
func formatSize(n uint64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}
