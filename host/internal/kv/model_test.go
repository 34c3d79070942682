package kv

import (
	"bytes"
	"context"
	"math/big"
	"slices"
	"strings"
)

// model is a keyspace as plainly as it can be said, for comparison.
type model map[string]string

var _ Keyspace = model{}

func (m model) Get(_ context.Context, dst, key []byte) ([]byte, error) {
	value, present := m[string(key)]
	switch {
	case len(key) == 0 || len(key) > 1024:
		return dst, ErrInvalid
	case !present:
		return dst, ErrAbsent
	}
	return append(dst, value...), nil
}

func (m model) Set(_ context.Context, key, value []byte) error {
	switch {
	case len(key) == 0 || len(key) > 1024:
		return ErrInvalid
	case len(value) > 1<<20:
		return ErrTooLarge
	}
	m[string(key)] = string(value)
	return nil
}

func (m model) Delete(ctx context.Context, key []byte) (bool, error) {
	_, err := m.Get(ctx, nil, key)
	delete(m, string(key))
	if err == ErrAbsent {
		return false, nil
	}
	return err == nil, err
}

func (m model) Add(ctx context.Context, key []byte, delta int64) (int64, error) {
	value, err := m.Get(ctx, nil, key)
	sum := new(big.Int)
	if err == nil {
		if _, ok := sum.SetString(string(value), 10); !ok || sum.String() != string(value) || !sum.IsInt64() {
			return 0, ErrInvalid
		}
	} else if err != ErrAbsent {
		return 0, err
	}
	if sum.Add(sum, big.NewInt(delta)); !sum.IsInt64() {
		return 0, ErrInvalid
	}
	return sum.Int64(), m.Set(ctx, key, []byte(sum.String()))
}

func (m model) Swap(ctx context.Context, key, old, new []byte, wantAbsent bool) (bool, error) {
	value, err := m.Get(ctx, nil, key)
	switch {
	case err == ErrInvalid:
		return false, err
	case len(new) > 1<<20 || !wantAbsent && len(old) > 1<<20:
		return false, ErrTooLarge
	case wantAbsent && err == nil, !wantAbsent && (err != nil || !bytes.Equal(value, old)):
		return false, nil
	}
	return true, m.Set(ctx, key, new)
}

func (m model) Next(_ context.Context, dst, prefix, after []byte) ([]byte, error) {
	if len(prefix) > 1024 || len(after) > 1024 {
		return dst, ErrInvalid
	}
	var keys []string
	for key := range m {
		if strings.HasPrefix(key, string(prefix)) && (len(after) == 0 || key > string(after)) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return dst, ErrAbsent
	}
	return append(dst, slices.Min(keys)...), nil
}
