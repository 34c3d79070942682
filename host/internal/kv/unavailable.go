package kv

import "context"

// Unavailable returns a store that holds nothing: every operation answers
// ErrUnavailable. It stands in where the real one must not be opened.
func Unavailable() Store { return unavailable{} }

type unavailable struct{}

func (unavailable) Keyspace(string) Keyspace { return unavailable{} }
func (unavailable) Health() error            { return ErrUnavailable }
func (unavailable) Close() error             { return nil }

func (unavailable) Get(_ context.Context, dst, _ []byte) ([]byte, error) {
	return dst, ErrUnavailable
}

func (unavailable) Set(context.Context, []byte, []byte) error {
	return ErrUnavailable
}

func (unavailable) Delete(context.Context, []byte) (bool, error) {
	return false, ErrUnavailable
}

func (unavailable) Add(context.Context, []byte, int64) (int64, error) {
	return 0, ErrUnavailable
}

func (unavailable) Swap(context.Context, []byte, []byte, []byte, bool) (bool, error) {
	return false, ErrUnavailable
}

func (unavailable) Next(_ context.Context, dst, _, _ []byte) ([]byte, error) {
	return dst, ErrUnavailable
}
