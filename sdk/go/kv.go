package wasmlane

import (
	"iter"
	"unsafe"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// KV is the plugin's part of the store; host.toml grants it with
// store = "NAME". Each operation is atomic and a write returns when it is
// durable. Keys have 1 to 1024 bytes, else [ErrInvalid]; values up to 1 MiB, else
// [ErrTooLarge]. A nil value is an empty one.
//
// While the plugin initialises, reads see the store at that moment and writes
// fail with [ErrDenied].
var KV Store

// Store is the type of [KV].
type Store struct{}

// Get returns the value of key, or [ErrAbsent]. The caller owns the value.
func (Store) Get(key string) ([]byte, error) {
	ptr, n := stringPointer(key)
	value, code := fetch(func(buf unsafe.Pointer, size uint32) int32 {
		return hostKVGet(ptr, n, buf, size)
	})
	return value, check("kv_get", key, code)
}

// Set stores value under key.
func (Store) Set(key string, value []byte) error {
	kp, kn := stringPointer(key)
	vp, vn := pointer(value)
	return check("kv_set", key, hostKVSet(kp, kn, vp, vn))
}

// Delete removes key and reports whether it was there.
func (Store) Delete(key string) (existed bool, err error) {
	code := hostKVDelete(stringPointer(key))
	return code == 1, check("kv_delete", key, code)
}

// Add adds delta to the number under key, 0 when there is none, and returns the
// sum. The value is decimal text, as Get shows it; another value, and a sum
// outside int64, is [ErrInvalid].
func (Store) Add(key string, delta int64) (int64, error) {
	var sum int64
	ptr, n := stringPointer(key)
	err := check("kv_add", key, hostKVAdd(ptr, n, delta, unsafe.Pointer(&sum)))
	return sum, err
}

// CompareAndSwap stores value under key if the value there is old, and reports
// whether it did.
func (Store) CompareAndSwap(key string, old, value []byte) (swapped bool, err error) {
	op, on := pointer(old)
	return swap(key, op, int32(on), value)
}

// Create stores value under key if there is no such key, and reports whether it
// did.
func (Store) Create(key string, value []byte) (created bool, err error) {
	return swap(key, nil, -1, value)
}

func swap(key string, op unsafe.Pointer, on int32, value []byte) (bool, error) {
	kp, kn := stringPointer(key)
	vp, vn := pointer(value)
	code := hostKVSwap(kp, kn, op, on, vp, vn)
	return code == 1, check("kv_swap", key, code)
}

// List returns the keys that start with prefix and come after after, in the
// order of their bytes. An empty after starts with the first key. Keys that are
// written or deleted during the loop may or may not be seen. An error ends the
// loop:
//
//	for key, err := range wasmlane.KV.List("user/", "") {
//		if err != nil {
//			return err
//		}
//		…
//	}
func (Store) List(prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pp, pn := stringPointer(prefix)
		for key := after; ; {
			ap, an := stringPointer(key)
			next, code := fetch(func(buf unsafe.Pointer, size uint32) int32 {
				return hostKVList(pp, pn, ap, an, buf, size)
			})
			if code == abi.Absent {
				return
			}
			if err := check("kv_list", prefix, code); err != nil {
				yield("", err)
				return
			}
			key = string(next)
			if !yield(key, nil) {
				return
			}
		}
	}
}
