//go:build unix

package main

import (
	"encoding/binary"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Plugins of a few hundred bytes, for tests that need another one every moment.

// says returns a plugin whose handler "say" answers with the text.
func says(text string) string {
	m, write := speaker(text)
	m.Handler("say", speak(write, text)...)
	return string(m.Bytes())
}

// counts returns a plugin with a handler "say" that needs two grants: it imports a
// function of the store and one of calls. The text is in a section nobody reads.
func counts(text string) string {
	m := wasmtest.New()
	i32 := wasmtest.I32
	m.Import("wasmlane_v1", "kv_delete", wasmtest.Type{i32, i32}, wasmtest.Type{i32})
	m.Import("wasmlane_v1", "call_close", wasmtest.Type{i32}, nil)
	m.Memory(1, 1)
	m.Handler("say")
	m.Custom("text", []byte(text))
	return string(m.Bytes())
}

// naps returns a plugin whose handler "nap" sleeps and then answers with the text.
func naps(d time.Duration, text string) string {
	m, write := speaker(text)
	i32 := wasmtest.I32
	poll := m.Import("wasi_snapshot_preview1", "poll_oneoff", wasmtest.Type{i32, i32, i32, i32}, wasmtest.Type{i32})
	// One subscription to the clock, as WASI preview 1 lays it out.
	const subscription, event, count = 1024, 2048, 3072
	sub := make([]byte, 48)
	binary.LittleEndian.PutUint32(sub[16:], 1) // CLOCK_MONOTONIC
	binary.LittleEndian.PutUint64(sub[24:], uint64(d))
	m.Data(subscription, sub)
	code := [][]byte{
		wasmtest.I32Const(subscription), wasmtest.I32Const(event), wasmtest.I32Const(1), wasmtest.I32Const(count),
		wasmtest.Call(poll), wasmtest.Drop(),
	}
	m.Handler("nap", append(code, speak(write, text)...)...)
	return string(m.Bytes())
}

// spins returns a plugin whose handler "spin" computes for ever.
func spins() string {
	m := wasmtest.New().Memory(1, 1)
	m.Handler("spin", wasmtest.Forever())
	return string(m.Bytes())
}

// speaker returns a module with the text at the begin of its memory, and its
// import "write".
func speaker(text string) (m *wasmtest.Module, write uint32) {
	m = wasmtest.New()
	write = m.Import("wasmlane_v1", "write", wasmtest.Type{wasmtest.I32, wasmtest.I32}, wasmtest.Type{wasmtest.I32})
	return m.Memory(1, 1).Data(0, []byte(text)), write
}

func speak(write uint32, text string) [][]byte {
	return [][]byte{wasmtest.I32Const(0), wasmtest.I32Const(int32(len(text))), wasmtest.Call(write), wasmtest.Drop()}
}
