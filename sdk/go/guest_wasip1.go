//go:build wasip1

package wasmlane

import (
	"math/rand/v2"
	"unsafe"
)

// What the SDK keeps between two calls of the host, in a plugin. An instance
// serves one request at a time and WebAssembly has one thread, but a handler may
// have goroutines, and Go may switch between them wherever it allocates.

// state is static, and in one place, because memory is pristine for every request:
// what is allocated would be allocated each time, and each page that is written
// costs the host a copy.
var state struct {
	w Response
	r Request

	// begun: a request has begun before in this memory, and w and r are its own.
	begun bool
	// used: the scratch buffer belongs to a goroutine that has not copied its result yet.
	used bool
	// random is the request's generator, nil until it is asked for.
	random *rand.Rand
	// scratch receives results of the host before they are copied.
	scratch [4000]byte
}

// takeScratch returns a buffer that is the caller's until dropScratch.
func takeScratch() []byte {
	if state.used {
		return make([]byte, 512)
	}
	state.used = true
	return state.scratch[:]
}

func dropScratch(buf []byte) {
	if &buf[0] == &state.scratch[0] {
		state.used = false
	}
}

// begin forgets what belongs to another request, or to initialisation. Without
// isolation a goroutine of an earlier request may still have that request's.
func begin() (*Response, *Request) {
	state.random = nil
	if !state.begun {
		state.begun = true
		return &state.w, &state.r
	}
	return new(Response), new(Request)
}

func requestRand() *rand.Rand {
	if state.random == nil {
		var seed [2]uint64
		if randomGet(unsafe.Pointer(&seed), 16) != 0 {
			panic("wasmlane: the host gave no random bytes")
		}
		state.random = rand.New(rand.NewPCG(seed[0], seed[1]))
	}
	return state.random
}

//go:noescape
//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(buf unsafe.Pointer, size uint32) uint32
