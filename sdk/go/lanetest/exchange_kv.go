package lanetest

import "github.com/wasmlane/wasmlane/sdk/go/internal/abi"

// before checks the arguments of a store operation and lets the Env interfere.
func (x *exchange) before(function, key string, checked int32) int32 {
	if x.env.OnKV != nil {
		if err := x.env.OnKV(function, key); err != nil {
			return codeOf(err)
		}
	}
	return checked
}

func (x *exchange) KVGet(key string, buf []byte) int32 {
	if code := x.before("kv_get", key, checkKV(key)); code < 0 {
		return code
	}
	value, ok := x.env.KV.Get(key)
	if !ok {
		return abi.Absent
	}
	return give(buf, value)
}

func (x *exchange) KVSet(key, value string) int32 {
	code := x.before("kv_set", key, checkKV(key, value))
	if code == 0 {
		x.env.KV.Set(key, value)
	}
	return code
}

func (x *exchange) KVDelete(key string) int32 {
	if code := x.before("kv_delete", key, checkKV(key)); code < 0 {
		return code
	}
	return x.env.KV.remove(key)
}

func (x *exchange) KVAdd(key string, delta int64) (int64, int32) {
	if code := x.before("kv_add", key, checkKV(key)); code < 0 {
		return 0, code
	}
	return x.env.KV.add(key, delta)
}

func (x *exchange) KVSwap(key, old string, wantAbsent bool, value string) int32 {
	if code := x.before("kv_swap", key, checkKV(key, old, value)); code < 0 {
		return code
	}
	return x.env.KV.swap(key, old, wantAbsent, value)
}

func (x *exchange) KVList(prefix, after string, buf []byte) int32 {
	checked := int32(0)
	if len(prefix) > abi.MaxKey || len(after) > abi.MaxKey {
		checked = abi.Invalid
	}
	if code := x.before("kv_list", prefix, checked); code < 0 {
		return code
	}
	key, ok := x.env.KV.next(prefix, after)
	if !ok {
		return abi.Absent
	}
	return give(buf, key)
}
