package main

/*
#include <stdint.h>

// Of wasmtime's C API; the Go package links it, but has no method for it.
typedef struct wasmtime_pooling_allocation_config_t pooling_config;
extern pooling_config *wasmtime_pooling_allocation_config_new(void);
extern void wasmtime_pooling_allocation_config_delete(pooling_config *);
extern void wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pooling_config *, size_t);
extern void wasmtime_pooling_allocation_strategy_set(void *config, const pooling_config *);
*/
import "C"

import (
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v40"
)

// usePooling makes instances come from wasmtime's pool of slots. As its guide to
// fast instantiation says, some of each memory stays resident between instances.
func usePooling(config *wasmtime.Config) {
	pool := C.wasmtime_pooling_allocation_config_new()
	defer C.wasmtime_pooling_allocation_config_delete(pool)
	C.wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, 1<<20)
	// A Config is a struct of one pointer, that of the C API's object.
	C.wasmtime_pooling_allocation_strategy_set(*(*unsafe.Pointer)(unsafe.Pointer(config)), pool)
}
