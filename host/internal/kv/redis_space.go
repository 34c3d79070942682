package kv

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// redisSpace is a keyspace on a Redis. Every operation is one command, so one
// round trip; an edit is a script, which the server runs as one step.
type redisSpace struct {
	edits
	link         *link  // nil when there is something wrong with the name
	values, keys string // the keys of the hash and of the index
	err          error  // what is wrong with the name
}

func (k *redisSpace) Get(ctx context.Context, dst, key []byte) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return dst, err
	}
	if k.err != nil {
		return dst, k.err
	}
	field := string(key)
	m, err := k.link.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Hget().Key(k.values).Field(field).Build())
	})
	if err != nil {
		return dst, err
	}
	if m.IsNil() {
		return dst, ErrAbsent
	}
	value, err := m.ToString()
	if err != nil {
		return dst, k.link.strange(err)
	}
	if len(value) > MaxValue {
		return dst, fmt.Errorf("%w: another program has stored %d bytes here; at most %d", ErrTooLarge, len(value), MaxValue)
	}
	return append(dst, value...), nil
}

func (k *redisSpace) Next(ctx context.Context, dst, prefix, after []byte) ([]byte, error) {
	if err := checkRange(prefix, after); err != nil {
		return dst, err
	}
	if k.err != nil {
		return dst, k.err
	}
	// The first key from here on has the prefix, or none has.
	from, start := "-", string(prefix)
	switch {
	case len(after) > 0 && string(after) >= start:
		from = "(" + string(after)
	case start != "":
		from = "[" + start
	}
	m, err := k.link.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Zrangebylex().Key(k.keys).Min(from).Max("+").Limit(0, 1).Build())
	})
	if err != nil {
		return dst, err
	}
	found, err := m.AsStrSlice()
	if err != nil {
		return dst, k.link.strange(err)
	}
	if len(found) == 0 || !strings.HasPrefix(found[0], start) {
		return dst, ErrAbsent
	}
	return append(dst, found[0]...), nil
}

func (k *redisSpace) edit(ctx context.Context, e *edit) error {
	if k.err != nil {
		return k.err
	}
	if err := e.check(); err != nil {
		return err
	}
	// Copies: the command may outlive the caller's interest, and so its arguments.
	args := make([]string, 1, 3)
	args[0] = string(e.key)
	var script *rueidis.Lua
	switch e.kind {
	case kindSet:
		script, args = scriptSet, append(args, string(e.value))
	case kindDelete:
		script = scriptDelete
	case kindAdd:
		script, args = scriptAdd, append(args, strconv.FormatInt(e.delta, 10))
	case kindSwap:
		script, args = scriptSwap, append(args, string(e.value), string(e.old))
		if e.wantAbsent {
			script, args = scriptCreate, args[:2]
		}
	}
	m, err := k.link.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return script.Exec(ctx, c, []string{k.values, k.keys}, args)
	})
	if err != nil {
		return err
	}
	if e.kind == kindAdd {
		return k.sum(e, m)
	}
	n, err := m.AsInt64()
	if err != nil {
		return k.link.strange(err)
	}
	e.did = n != 0
	return nil
}

// sum reads what the script of an Add has answered.
func (k *redisSpace) sum(e *edit, m rueidis.RedisMessage) (err error) {
	if m.IsNil() {
		return fmt.Errorf("%w: the value is no decimal int64, or %+d more is past its range", ErrInvalid, e.delta)
	}
	if e.sum, err = m.AsInt64(); err != nil {
		return k.link.strange(err)
	}
	return nil
}
