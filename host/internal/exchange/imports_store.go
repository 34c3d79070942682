package exchange

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// absentLen is the old_len that says "must be absent" in kv_swap.
const absentLen = ^uint32(0)

// Reads get the guest's own context, without a timer: a store on this machine
// answers them without waiting for anything.

// kv_get(key, key_len, buf, cap) → i32
func kvGet(x *Exchange, mem []byte, stack []uint64) {
	key := view(mem, "kv_get", "key", stack[0], stack[1])
	defer x.endStore("kv_get", x.beginSpan())
	value, err := x.keyspace().Get(x.Context(), x.scratch[:0], key)
	if err != nil {
		stack[0] = answer(x.storeCode("kv_get", err))
		return
	}
	x.scratch = value
	stack[0] = give(mem, "kv_get", stack[2], stack[3], value)
}

// kv_set(key, key_len, value, value_len) → i32
func kvSet(x *Exchange, mem []byte, stack []uint64) {
	key := view(mem, "kv_set", "key", stack[0], stack[1])
	value := view(mem, "kv_set", "value", stack[2], stack[3])
	if x.init {
		stack[0] = answer(abi.Denied)
		return
	}
	defer x.endStore("kv_set", x.beginSpan())
	defer x.wasWaiting(waitStore, time.Now())
	stack[0] = answer(x.storeCode("kv_set", x.keyspace().Set(x.Waiting(), key, value)))
}

// kv_delete(key, key_len) → i32
func kvDelete(x *Exchange, mem []byte, stack []uint64) {
	key := view(mem, "kv_delete", "key", stack[0], stack[1])
	if x.init {
		stack[0] = answer(abi.Denied)
		return
	}
	defer x.endStore("kv_delete", x.beginSpan())
	defer x.wasWaiting(waitStore, time.Now())
	existed, err := x.keyspace().Delete(x.Waiting(), key)
	stack[0] = x.truth("kv_delete", existed, err)
}

// kv_add(key, key_len, delta i64, result) → i32
func kvAdd(x *Exchange, mem []byte, stack []uint64) {
	key := view(mem, "kv_add", "key", stack[0], stack[1])
	result := view(mem, "kv_add", "result", stack[3], 8)
	if x.init {
		stack[0] = answer(abi.Denied)
		return
	}
	defer x.endStore("kv_add", x.beginSpan())
	defer x.wasWaiting(waitStore, time.Now())
	sum, err := x.keyspace().Add(x.Waiting(), key, int64(stack[2]))
	if err == nil {
		binary.LittleEndian.PutUint64(result, uint64(sum))
	}
	stack[0] = answer(x.storeCode("kv_add", err))
}

// kv_swap(key, key_len, old, old_len, new, new_len) → i32
func kvSwap(x *Exchange, mem []byte, stack []uint64) {
	key := view(mem, "kv_swap", "key", stack[0], stack[1])
	var old []byte
	wantAbsent := uint32(stack[3]) == absentLen
	if !wantAbsent {
		old = view(mem, "kv_swap", "old", stack[2], stack[3])
	}
	value := view(mem, "kv_swap", "new", stack[4], stack[5])
	if x.init {
		stack[0] = answer(abi.Denied)
		return
	}
	defer x.endStore("kv_swap", x.beginSpan())
	defer x.wasWaiting(waitStore, time.Now())
	swapped, err := x.keyspace().Swap(x.Waiting(), key, old, value, wantAbsent)
	stack[0] = x.truth("kv_swap", swapped, err)
}

// kv_list(prefix, prefix_len, after, after_len, buf, cap) → i32
func kvList(x *Exchange, mem []byte, stack []uint64) {
	prefix := view(mem, "kv_list", "prefix", stack[0], stack[1])
	after := view(mem, "kv_list", "after", stack[2], stack[3])
	defer x.endStore("kv_list", x.beginSpan())
	key, err := x.keyspace().Next(x.Context(), x.scratch[:0], prefix, after)
	if err != nil {
		stack[0] = answer(x.storeCode("kv_list", err))
		return
	}
	x.scratch = key
	stack[0] = give(mem, "kv_list", stack[4], stack[5], key)
}

// keyspace returns the plugin's part of the store. A plugin without the grant
// does not load; this is the second lock on that door.
func (x *Exchange) keyspace() kv.Keyspace {
	if x.Plugin.Keyspace == nil {
		panic(&Misuse{Function: "kv", Problem: "no store is granted"})
	}
	return x.Plugin.Keyspace
}

func (x *Exchange) truth(function string, ok bool, err error) uint64 {
	switch {
	case err != nil:
		return answer(x.storeCode(function, err))
	case ok:
		return 1
	}
	return 0
}

// storeCode turns the store's error into the guest's code. What the guest cannot
// have caused is logged: the code alone would hide the reason.
func (x *Exchange) storeCode(function string, err error) abi.Code {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, kv.ErrAbsent):
		return abi.Absent
	}
	code := x.storeFailure(function, err)
	x.trace.failure = code
	return code
}

func (x *Exchange) storeFailure(function string, err error) abi.Code {
	switch {
	case errors.Is(err, kv.ErrInvalid):
		return abi.Invalid
	case errors.Is(err, kv.ErrTooLarge):
		return abi.TooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return abi.Timeout
	case errors.Is(err, context.Canceled):
		return abi.Closed
	case errors.Is(err, kv.ErrReported):
		return abi.Unavailable // one line for all
	}
	x.log(slog.LevelError, []byte("store unavailable"), slog.String("function", function), slog.Any("error", err))
	return abi.Unavailable
}
