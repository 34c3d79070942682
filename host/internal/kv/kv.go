package kv

import (
	"context"
	"errors"
	"fmt"
)

// Limits of every backend. Key and value limits are those of the plugin ABI.
const (
	MaxKeyspace = 255     // bytes in a keyspace's name; the shortest is 1
	MaxKey      = 1024    // bytes in a key; the shortest is 1
	MaxValue    = 1 << 20 // bytes in a value; it may be empty
)

// The errors of a store, for errors.Is. What is returned may say more. An
// operation whose context ends answers the context's own error instead.
var (
	// ErrAbsent: there is no such key, or none further on.
	ErrAbsent = errors.New("no such key")
	// ErrInvalid: a key or keyspace outside its limits, or an Add to a value that
	// is no number or past the range of int64.
	ErrInvalid = errors.New("invalid")
	// ErrTooLarge: a value over MaxValue.
	ErrTooLarge = errors.New("value too large")
	// ErrUnavailable: the store cannot do it now: disk full, I/O error, damaged
	// file, no server. A later attempt may succeed.
	ErrUnavailable = errors.New("store unavailable")
	// ErrReported: the store is down, and whoever opened it has been told so. It is
	// also an ErrUnavailable. It needs no line in the log for each operation.
	ErrReported = fmt.Errorf("%w", ErrUnavailable)
	// ErrClosed: the store was closed. It is also an ErrUnavailable.
	ErrClosed = fmt.Errorf("%w: it is closed", ErrUnavailable)
)

// Store holds keyspaces. It is safe for concurrent use.
type Store interface {
	// Keyspace returns the keyspace of that name. It does no I/O and cannot fail;
	// a keyspace exists from its first write. A name outside its limits makes every
	// operation answer ErrInvalid.
	Keyspace(name string) Keyspace

	// Health returns why operations, or writes alone, answer ErrUnavailable now, or nil
	// when they are not known to. It waits for nothing on a network.
	Health() error

	// Close finishes the writes under way, answers every writer, and releases what
	// the store holds. Operations that come later answer ErrClosed. Closing again
	// does nothing.
	Close() error
}

// Keyspace is one plugin's part of a store. Keys are ordered by their bytes. It is
// safe for concurrent use; each operation is atomic.
//
// Arguments belong to the caller and are not kept after a return. Reads append to
// dst and return it; when it has room for the result, the result costs no
// allocation. With an error they return dst as it was.
type Keyspace interface {
	// Get appends the value of key to dst, or answers ErrAbsent.
	Get(ctx context.Context, dst, key []byte) ([]byte, error)

	// Set stores value under key. An empty value is a value.
	Set(ctx context.Context, key, value []byte) error

	// Delete removes key and reports whether it was there.
	Delete(ctx context.Context, key []byte) (existed bool, err error)

	// Add adds delta to the number under key and returns the sum. The value is
	// decimal ASCII as strconv.FormatInt writes it, and 0 when absent; any other
	// value, and a sum outside int64, is ErrInvalid and changes nothing.
	Add(ctx context.Context, key []byte, delta int64) (int64, error)

	// Swap stores new under key if the value there equals old, or, with wantAbsent,
	// if there is none (old is then ignored), and reports whether it did. An empty
	// old asks for an empty value, not for none.
	Swap(ctx context.Context, key, old, new []byte, wantAbsent bool) (swapped bool, err error)

	// Next appends to dst the first key with the prefix that is greater than after,
	// or answers ErrAbsent. An empty after starts with the first key. Neither may be
	// longer than a key.
	Next(ctx context.Context, dst, prefix, after []byte) ([]byte, error)
}

func checkKeyspace(name string) error {
	if len(name) == 0 || len(name) > MaxKeyspace {
		return fmt.Errorf("%w: keyspace name of %d bytes; it must have 1 to %d", ErrInvalid, len(name), MaxKeyspace)
	}
	return nil
}

func checkKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: key of %d bytes; it must have 1 to %d", ErrInvalid, len(key), MaxKey)
	}
	return nil
}

func checkValue(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%w: %d bytes; at most %d", ErrTooLarge, len(value), MaxValue)
	}
	return nil
}

func checkRange(prefix, after []byte) error {
	if len(prefix) > MaxKey || len(after) > MaxKey {
		return fmt.Errorf("%w: prefix of %d and start of %d bytes; no key has more than %d", ErrInvalid, len(prefix), len(after), MaxKey)
	}
	return nil
}
