//go:build wasip1

package wasmlane

import (
	"math/rand/v2"
	"unsafe"
)

// What the SDK keeps between two calls of the host, in a plugin. An instance
// serves one request at a time and WebAssembly has one thread, but a handler may
// have goroutines, and Go may switch between them wherever it allocates.

// scratch receives results of the host before they are copied. It is static
// because memory is pristine for every request: what is allocated would be
// allocated each time.
var scratch struct {
	buf  [4096]byte
	used bool // by a goroutine that has not copied its result yet
}

// takeScratch returns a buffer that is the caller's until dropScratch.
func takeScratch() []byte {
	if scratch.used {
		return make([]byte, 512)
	}
	scratch.used = true
	return scratch.buf[:]
}

func dropScratch(buf []byte) {
	if &buf[0] == &scratch.buf[0] {
		scratch.used = false
	}
}

// random is the request's generator, nil until it is asked for.
var random *rand.Rand

// begin forgets what belongs to another request, or to initialisation.
func begin() { random = nil }

func requestRand() *rand.Rand {
	if random == nil {
		var seed [2]uint64
		if randomGet(unsafe.Pointer(&seed), 16) != 0 {
			panic("wasmlane: the host gave no random bytes")
		}
		random = rand.New(rand.NewPCG(seed[0], seed[1]))
	}
	return random
}

//go:noescape
//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(buf unsafe.Pointer, size uint32) uint32
