package meter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// bulkModule exports each operation on ranges of memory with its three operands as
// parameters, and "local", which does it in a function that has a loop and so keeps
// the state in a variable. Memory has 8 MiB, data segment 0 is long.
func bulkModule() []byte {
	three := []ValueType{I32, I32, I32}
	b := newBuild()
	b.memory = []byte{0, 0x80, 1}
	b.counted = true
	content := strings.Repeat("0123456789abcdef~", 12_000)
	b.data = append(b.data, append(appendU32([]byte{1}, uint32(len(content))), content...), []byte{1, 3, 'a', 'b', 'c'})
	for name, op := range map[string][]byte{
		"fill": ops(prefixMisc, miscMemoryFill, 0), "copy": ops(prefixMisc, miscMemoryCopy, 0, 0),
		"init": ops(prefixMisc, miscMemoryInit, 0, 0), "short": ops(prefixMisc, miscMemoryInit, 1, 0),
	} {
		do := slices.Concat(get(0), get(1), get(2), op)
		b.export(name, kindFunc, b.fn(three, nil, nil, do))
		b.export(name+"_local", kindFunc, b.fn(three, nil, []ValueType{I32},
			i32c(3), set(3), loop(get(3), i32c(1), ops(opI32Sub), tee(3), brif(0)), do,
			i32c(2), set(3), loop(get(3), i32c(1), ops(opI32Sub), tee(3), brif(0))))
	}
	b.export("drop", kindFunc, b.fn(nil, nil, nil, ops(prefixMisc, miscDataDrop, 0)))
	b.export("memory", kindMemory, 0)
	return b.bytes()
}

// With fuel for less than a piece, operations of all lengths, in and out of range,
// do what they do without metering.
func TestOperationsInPieces(t *testing.T) {
	wasm := bulkModule()
	res := rewrite(t, wasm, Options{})
	for name, config := range map[string]wazero.RuntimeConfig{"interpreter": interpreter(), "compiler": wazero.NewRuntimeConfig()} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, config)
			r.yield = func() int64 { return int64(r.yields * 37 % 20_000) }
			a, b := r.instance(wasm), r.instance(res.Wasm)
			random := rand.New(rand.NewPCG(7, 7))
			const size = 8 << 20
			some := func() uint64 {
				edges := []uint64{0, 1, bulkPiece - 1, bulkPiece, bulkPiece + 1, 204_000, 203_999, size - 1, size, size + 1, 1<<32 - 1}
				if n := random.IntN(3 * len(edges)); n < len(edges) {
					return edges[n]
				}
				return uint64(random.IntN(1 << random.IntN(24)))
			}
			ends := map[string]int{}
			names := []string{"fill", "copy", "init", "short"}
			for round := range 1000 {
				if round == 900 {
					invoke(a, "drop")
					invoke(b, "drop")
				}
				fn := names[random.IntN(len(names))]
				if random.IntN(2) == 0 {
					fn += "_local"
				}
				args := []uint64{some(), some(), some()}
				if fn == "copy" && random.IntN(2) == 0 { // ranges that overlap
					args = []uint64{4 << 20, 4<<20 + uint64(random.IntN(200_000)) - 100_000, some()}
				}
				_, trapA := invoke(a, fn, args...)
				_, trapB := invoke(b, fn, args...)
				ends[trapA]++
				if trapA != trapB {
					t.Fatalf("%s%v ended with %q, rewritten with %q", fn, args, trapA, trapB)
				}
				if round%10 == 0 || round >= 900 {
					if err := sameState(a, b, 0); err != nil {
						t.Fatalf("after %s%v: %v", fn, args, err)
					}
				}
			}
			if err := sameState(a, b, 0); err != nil {
				t.Fatal(err)
			}
			if len(ends) != 2 || ends[""] < 200 {
				t.Errorf("calls ended with %v", ends)
			}
		})
	}
}

// A long operation yields on its way, once for each piece when there is no fuel,
// and is paid for once.
func TestLongOperationsYield(t *testing.T) {
	wasm := rewrite(t, bulkModule(), Options{}).Wasm
	r := newRig(t, wazero.NewRuntimeConfig())
	const length, pieces = 4 << 20, 4 << 20 / bulkPiece
	for _, c := range []struct {
		fn       string
		from     uint64
		n, least int
	}{{"fill", 1, length, pieces}, {"copy", 2 << 20, length, pieces}, {"copy", 0, length, pieces}, {"init", 0, 200_000, 3}} {
		for _, fuel := range []int64{0, 3 * bulkPiece / 4 / 2, Slice} {
			mod := r.instance(wasm)
			r.yields = 0
			r.yield = func() int64 { return fuel }
			paid := int64(0)
			have := int64(0)
			r.peek = func(state uint64) { paid, have = paid+have-FuelLeft(state), fuel }
			if _, end := invoke(mod, c.fn, 1<<20, c.from, uint64(c.n)); end != "" {
				t.Fatal(end)
			}
			paid += have - FuelLeft(mod.ExportedGlobal(DefaultPrefix+"state").Get())
			if fuel == 0 && r.yields < c.least || fuel == Slice && r.yields > 1 {
				t.Errorf("%s of %d bytes with fuel %d: %d yields, there are %d pieces", c.fn, c.n, fuel, r.yields, c.least)
			}
			if want := int64(c.n / 4); paid < want || paid > want+want/8+500 {
				t.Errorf("%s of %d bytes with fuel %d: %d was paid, it weighs %d", c.fn, c.n, fuel, paid, want)
			}
		}
	}
	r.peek = nil
}

// What yields in the middle of an operation is named in the guest's stack.
func TestOperationsAreNamedInStacks(t *testing.T) {
	b := newBuild()
	b.memory = []byte{0, 0x80, 1}
	b.export("run", kindFunc, b.fn(nil, nil, nil, i32c(0), i32c(0), i32c(4<<20), ops(prefixMisc, miscMemoryFill, 0)))
	b.customs = appendSection(nil, 0, append(appendName(nil, "name"), 1, 6, 1, 0, 3, 'r', 'u', 'n'))
	r := newRig(t, wazero.NewRuntimeConfig())
	r.yield = stopAfter(0)
	_, err := r.instance(rewrite(t, b.bytes(), Options{}).Wasm).ExportedFunction("run").Call(t.Context())
	if text := fmt.Sprint(err); !strings.Contains(text, DefaultModule+".memory.fill") || !strings.Contains(text, ".run(") {
		t.Errorf("it ended with\n%s", text)
	}
}
