package meter

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// Whatever the bytes are, Rewrite ends, with an error of a known kind or a module
// that the engine accepts if it accepts the original.
func FuzzRewrite(f *testing.F) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 4))
		if wasm, _ := generate(random, false, budget); len(wasm) < 700 { // small ones: the fuzzer takes long to make large ones smaller
			f.Add(wasm)
		}
	}
	for _, code := range [][]byte{loop(br(0)), loop(i32c(1), brTable(0, 1)), ops(opUnreachable, 0xfd, 0x0c)} {
		f.Add(oneInstruction(code))
	}
	r := newRig(f, interpreter())
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) > 1<<16 {
			return
		}
		res, err := Rewrite(wasm, Options{MaxLocals: 1000})
		if err != nil {
			for _, kind := range []error{ErrMalformed, ErrUnsupported, ErrReserved, ErrLimit} {
				if errors.Is(err, kind) {
					return
				}
			}
			t.Fatalf("an error of no kind: %v", err)
		}
		again, err := Rewrite(wasm, Options{MaxLocals: 1000})
		if err != nil || !bytes.Equal(res.Wasm, again.Wasm) {
			t.Fatalf("a second time: %v", err)
		}
		if valid(r.engine, wasm) != nil {
			return
		}
		if err := valid(r.engine, res.Wasm); err != nil {
			t.Fatalf("the original is valid, the result is not: %v", err)
		}
	})
}

// Any random module behaves as before.
func FuzzBehaviour(f *testing.F) {
	f.Add(uint64(1))
	r := newRig(f, interpreter())
	n := 0
	r.yield = func() int64 { n++; return int64(n * 37 % 300) }
	f.Fuzz(func(t *testing.T, seed uint64) { sameBehaviour(t, r, seed, map[string]int{}) })
}
