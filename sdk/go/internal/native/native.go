// Package native holds the host that stands in for Wasmlane when a handler runs
// natively, under go test.
//
// A handler is a func() that finds its request through the SDK's functions, so
// there is one current host in the process. [Run] holds a lock for as long as a
// handler runs: tests in parallel take turns.
package native

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// Host is the ABI in Go's terms. A method that yields bytes returns the full
// length and fills buf only when the value fits; a negative result is a code of
// package abi. A handler's goroutines may use it in parallel.
type Host interface {
	Request(field uint32, buf []byte) int32
	Param(name string, buf []byte) int32
	Query(name string, index uint32, buf []byte) int32
	Header(name string, index uint32, buf []byte) int32
	HeaderName(index uint32, buf []byte) int32
	BodySize() int64
	Body(buf []byte) int32

	Status(code uint32)
	SetHeader(name, value string) int32
	AddHeader(name, value string) int32
	Write(p []byte) int32
	Flush() int32

	Log(level uint32, message string)
	Config(key string, buf []byte) int32

	KVGet(key string, buf []byte) int32
	KVSet(key, value string) int32
	KVDelete(key string) int32
	KVAdd(key string, delta int64) (sum int64, code int32)
	KVSwap(key, old string, wantAbsent bool, value string) int32
	KVList(prefix, after string, buf []byte) int32

	Call(target, head, body string) int32
	CallStatus(handle int32) int32
	CallHeader(handle int32, name string, index uint32, buf []byte) int32
	CallBody(handle int32, buf []byte) int32
	CallClose(handle int32)

	Rand() *rand.Rand
}

// run is one handler at work.
type run struct {
	host      Host
	goroutine uint64
}

// The one piece of state of the process. Natively there is no instance whose
// memory it could live in.
var (
	turn    sync.Mutex // held while a handler runs
	current atomic.Pointer[run]
)

// Current returns the host of the handler that runs. It panics when none does,
// unless packages are still being initialised.
func Current() Host {
	r := current.Load()
	if r == nil && !flag.Parsed() { // the test binary parses its flags first of all
		return initial{}
	}
	if r == nil {
		panic("wasmlane: there is no host here: run the handler with lanetest, and let its goroutines end before it returns")
	}
	return r.host
}

// Run runs handler with h as its host. It waits for its turn, unless it is
// called on the goroutine of a handler that runs already, from a stub that
// stands for another service: then the outer handler waits, as it does for a
// call.
func Run(h Host, handler func()) {
	me := goroutineID()
	outer := current.Load()
	if outer == nil || outer.goroutine != me {
		outer = nil
		turn.Lock()
		defer turn.Unlock()
	}
	current.Store(&run{h, me})
	defer current.Store(outer)
	handler()
}

// goroutineID reads the number from "goroutine 7 [running]:". The runtime gives
// it nowhere else.
func goroutineID() uint64 {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)]
	number, _, _ := bytes.Cut(bytes.TrimPrefix(head, []byte("goroutine ")), []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		panic("wasmlane: cannot read a goroutine's number from " + strconv.Quote(string(head)))
	}
	return id
}
