//go:build wasip1

package wasmlane

import "unsafe"

// The functions of the host, as the ABI names and orders them. The linker drops
// those that a plugin does not reach, so that a plugin needs the grants of what
// it uses and no others. Nothing here keeps a pointer, hence noescape.

//go:noescape
//go:wasmimport wasmlane_v1 request
func hostRequest(field uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 param
func hostParam(name unsafe.Pointer, name_len uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 query
func hostQuery(name unsafe.Pointer, name_len uint32, index uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 header
func hostHeader(name unsafe.Pointer, name_len uint32, index uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 header_name
func hostHeaderName(index uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 body_size
func hostBodySize() int64

//go:noescape
//go:wasmimport wasmlane_v1 body
func hostBody(buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 status
func hostStatus(code uint32)

//go:noescape
//go:wasmimport wasmlane_v1 set_header
func hostSetHeader(name unsafe.Pointer, name_len uint32, value unsafe.Pointer, value_len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 add_header
func hostAddHeader(name unsafe.Pointer, name_len uint32, value unsafe.Pointer, value_len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 write
func hostWrite(ptr unsafe.Pointer, len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 flush
func hostFlush() int32

//go:noescape
//go:wasmimport wasmlane_v1 log
func hostLog(level uint32, ptr unsafe.Pointer, len uint32)

//go:noescape
//go:wasmimport wasmlane_v1 config
func hostConfig(key unsafe.Pointer, key_len uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 kv_get
func hostKVGet(key unsafe.Pointer, key_len uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 kv_set
func hostKVSet(key unsafe.Pointer, key_len uint32, value unsafe.Pointer, value_len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 kv_delete
func hostKVDelete(key unsafe.Pointer, key_len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 kv_add
func hostKVAdd(key unsafe.Pointer, key_len uint32, delta int64, result unsafe.Pointer) int32

//go:noescape
//go:wasmimport wasmlane_v1 kv_swap
func hostKVSwap(key unsafe.Pointer, key_len uint32, old unsafe.Pointer, old_len int32, new unsafe.Pointer, new_len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 kv_list
func hostKVList(prefix unsafe.Pointer, prefix_len uint32, after unsafe.Pointer, after_len uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 call
func hostCall(target unsafe.Pointer, target_len uint32, head unsafe.Pointer, head_len uint32, body unsafe.Pointer, body_len uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 call_status
func hostCallStatus(handle int32) int32

//go:noescape
//go:wasmimport wasmlane_v1 call_header
func hostCallHeader(handle int32, name unsafe.Pointer, name_len uint32, index uint32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 call_body
func hostCallBody(handle int32, buf unsafe.Pointer, cap uint32) int32

//go:noescape
//go:wasmimport wasmlane_v1 call_close
func hostCallClose(handle int32)
