package kv

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
)

// An edit is one Set, Delete, Add or Swap as data. What it does to a value is
// decided here, once for all backends that can look at the value and change it
// in one step.
type edit struct {
	kind       kind
	wantAbsent bool
	key        []byte
	old        []byte // swap
	value      []byte // set and swap: what to store; add: filled in by decide
	delta      int64  // add

	// The result, valid once the edit is done.
	did bool  // delete: it existed; swap: swapped
	sum int64 // add
	err error
}

type kind uint8

const (
	kindSet kind = iota
	kindDelete
	kindAdd
	kindSwap
)

// An effect is what becomes of the value under an edit's key.
type effect uint8

const (
	leave  effect = iota // as it is
	store                // becomes edit.value
	remove               // goes away
)

// check reports what is outside the limits.
func (e *edit) check() error {
	if err := checkKey(e.key); err != nil {
		return err
	}
	if err := checkValue(e.old); err != nil {
		return err
	}
	return checkValue(e.value)
}

// decide sets the result, given the value now under the key, and returns the
// effect. It neither keeps nor changes the value.
func (e *edit) decide(value []byte, present bool) effect {
	switch e.kind {
	case kindSet:
		return store
	case kindDelete:
		e.did = present
		if present {
			return remove
		}
	case kindAdd:
		if e.sum, e.err = sum(value, present, e.delta); e.err == nil {
			e.value = strconv.AppendInt(nil, e.sum, 10)
			return store
		}
	case kindSwap:
		e.did = present != e.wantAbsent && (e.wantAbsent || bytes.Equal(value, e.old))
		if e.did {
			return store
		}
	}
	return leave
}

// sum adds delta to a counter's value.
func sum(value []byte, present bool, delta int64) (int64, error) {
	if !present {
		return delta, nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(value) {
		return 0, fmt.Errorf("%w: the value is no decimal int64, so nothing can be added to it", ErrInvalid)
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, fmt.Errorf("%w: %d%+d is past the range of int64", ErrInvalid, n, delta)
	}
	return n + delta, nil
}

// edits gives a keyspace its four writing methods on top of one function, which
// checks, applies and answers an edit.
type edits struct {
	do func(context.Context, *edit) error
}

func (s edits) Set(ctx context.Context, key, value []byte) error {
	return s.do(ctx, &edit{kind: kindSet, key: key, value: value})
}

func (s edits) Delete(ctx context.Context, key []byte) (existed bool, err error) {
	e := edit{kind: kindDelete, key: key}
	err = s.do(ctx, &e)
	return e.did, err
}

func (s edits) Add(ctx context.Context, key []byte, delta int64) (int64, error) {
	e := edit{kind: kindAdd, key: key, delta: delta}
	err := s.do(ctx, &e)
	return e.sum, err
}

func (s edits) Swap(ctx context.Context, key, old, new []byte, wantAbsent bool) (swapped bool, err error) {
	e := edit{kind: kindSwap, key: key, value: new, wantAbsent: wantAbsent}
	if !wantAbsent {
		e.old = old
	}
	err = s.do(ctx, &e)
	return e.did, err
}
