package sandbox

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// The figures about the sandbox that the documentation quotes, as a table in
// Markdown: make bench-sandbox. The ways that are compared take turns, and each
// figure is the median of the rounds with the lowest and the highest. It is a
// test so that it can use the engine beside this package, which nobody else may.

var figures = flag.Bool("figures", false, "measure the figures of the documentation and print them")

// row is one line of the table. bar is what is promised, "" for comparison only.
type row struct{ what, got, spread, bar string }

func TestFigures(t *testing.T) {
	if !*figures {
		t.Skip("run make bench-sandbox, or go test with -figures")
	}
	if raceEnabled {
		t.Skip("figures are not taken with the race detector")
	}
	small := wt.Clang(t, filepath.Join("testdata", "canswer", "answer.c"))
	goWasm := buildGo(t, "goanswer")
	var rows []row
	rows = append(rows, timings(t, "C guest", small, 0)...)
	rows = append(rows, timings(t, "Go guest", goWasm, 8*time.Microsecond)...)
	rows = append(rows, resident(t, "C guest", small, 40), resident(t, "Go guest", goWasm, 150))
	rows = append(rows, stopTimes(t)...)
	rows = append(rows, neighbours(t, small)...)
	rows = append(rows, allocations(t, "C guest", small), allocations(t, "Go guest", goWasm))

	r := newRuntime(t, Options{Imports: answerImports()})
	fmt.Printf("\n%s, %s/%s, %d processors, reset by %s, %d units of fuel a slice\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), r.space, r.slice)
	fmt.Println("| figure | median | lowest – highest | bar |\n|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %s | %s | %s |\n", r.what, r.got, r.spread, r.bar)
	}
}

// answerImports are what these guests import, doing next to nothing.
func answerImports() []Import {
	i32 := func(n int) []abi.Type { return slices.Repeat([]abi.Type{abi.I32}, n) }
	answered := func(_ context.Context, _ []byte, stack []uint64) { stack[0] = 0 }
	return append(wasiImports(),
		Import{Module: "bench", Name: "param", Params: i32(4), Result: abi.I32, Quick: true,
			Call: func(_ context.Context, mem []byte, stack []uint64) {
				stack[0] = uint64(copy(mem[stack[2]:stack[2]+stack[3]], "12345678"))
			}},
		Import{Module: "bench", Name: "status", Params: i32(1), Quick: true, Call: func(context.Context, []byte, []uint64) {}},
		Import{Module: "bench", Name: "set_header", Params: i32(4), Result: abi.I32, Quick: true, Call: answered},
		Import{Module: "bench", Name: "write", Params: i32(2), Result: abi.I32, Quick: true, Call: answered},
	)
}

// served is a request from Get to Put.
func served(t testing.TB, p *Pool, ctx context.Context, handler string, deadline time.Time) {
	i, err := p.Get(ctx, deadline, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Call(ctx, handler, deadline); err != nil {
		t.Fatal(err)
	}
	p.Put(i, Clean)
}

// timings compares the ways to serve one request. total is the bar of the whole
// request, 0 for that of the C guest, which is about the difference.
func timings(t *testing.T, name string, wasm []byte, total time.Duration) []row {
	const rounds = 21
	r := newRuntime(t, Options{Imports: answerImports()})
	m := load(t, r, wasm)
	request := newPool(t, m, goOptions(PoolOptions{Fresh: true, Instances: 64})) // the default of host.toml
	instance := newPool(t, m, goOptions(PoolOptions{}))
	engine, watched := newEngine(t, wasm, false), newEngine(t, wasm, true)
	ctx := newProcess(context.Background()).ctx
	ways := []struct {
		name string
		n    int
		do   func()
	}{
		{`isolation "request": reset and call`, 2000, func() { served(t, request, ctx, "answer", time.Now().Add(time.Second)) }},
		{`isolation "instance": call alone`, 2000, func() { served(t, instance, ctx, "answer", time.Now().Add(time.Second)) }},
		{"the engine alone: call of a live instance", 2000, engine.call},
		{"the engine alone: the same with WithCloseOnContextDone", 2000, watched.call},
		{"the engine alone: new instance for each request", 200, engine.request},
	}
	times := make([][]float64, len(ways))
	for round := range rounds {
		for k, w := range ways {
			began := time.Now()
			for range w.n {
				w.do()
			}
			if round > 0 { // the first warms up
				times[k] = append(times[k], float64(time.Since(began).Nanoseconds())/float64(w.n))
			}
		}
	}
	var rows []row
	for k, w := range ways {
		rows = append(rows, row{what: name + ", " + w.name, got: micros(median(times[k])), spread: spread(times[k], micros)})
	}
	reset, alone, fresh := median(times[0]), median(times[1]), median(times[4])
	if total > 0 {
		rows[0].bar = "≤ " + micros(float64(total.Nanoseconds()))
		rows = append(rows, row{what: name + ", against a new instance for each request", got: fmt.Sprintf("%.0f×", fresh/reset), bar: "≥ 500×"})
	} else {
		rows = append(rows, row{what: name + ", reset: more than the call alone", got: micros(reset - alone), bar: "≤ 2.5 µs"},
			row{what: name + ", against a new instance for each request", got: fmt.Sprintf("%.0f×", fresh/reset), bar: "≥ 20×"})
	}
	return rows
}

// resident measures what an idle instance that has served a request takes: its
// share of all memory of the process, Go's heap included.
func resident(t *testing.T, name string, wasm []byte, bar int) row {
	const n, rounds = 100, 5
	var each []float64
	for range rounds {
		r := newRuntime(t, Options{Imports: answerImports()})
		p := newPool(t, load(t, r, wasm), goOptions(PoolOptions{Instances: n, Fresh: true}))
		ctx := newProcess(context.Background()).ctx
		served(t, p, ctx, "answer", time.Time{})
		before := proportionalSet(t)
		var all []*Instance
		for range n {
			all = append(all, get(t, p))
		}
		for _, i := range all {
			if err := i.Call(ctx, "answer", time.Time{}); err != nil {
				t.Fatal(err)
			}
			p.Put(i, Clean)
		}
		all = nil
		each = append(each, (proportionalSet(t)-before)/(n-1))
		p.Close()
	}
	kib := func(f float64) string { return fmt.Sprintf("%.0f KB", f/1000) }
	return row{name + ", resident memory of an idle instance", kib(median(each)), spread(each, kib), fmt.Sprintf("≤ %d KB", bar)}
}

// proportionalSet returns the Pss of the process in bytes.
func proportionalSet(t *testing.T) float64 {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Skip("memory is measured on Linux only")
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			n, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return n * 1024
		}
	}
	t.Fatal("there is no Pss in smaps_rollup")
	return 0
}

func allocations(t *testing.T, name string, wasm []byte) row {
	r := newRuntime(t, Options{Imports: answerImports()})
	p := newPool(t, load(t, r, wasm), goOptions(PoolOptions{Fresh: true}))
	ctx := newProcess(context.Background()).ctx
	n := testing.AllocsPerRun(1000, func() { served(t, p, ctx, "answer", time.Now().Add(time.Second)) })
	return row{what: name + ", allocations for a request", got: fmt.Sprint(n), bar: "0"}
}

func median(f []float64) float64 { return quantile(f, 0.5) }

func quantile(f []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(f))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func spread(f []float64, format func(float64) string) string {
	return format(slices.Min(f)) + " – " + format(slices.Max(f))
}

func micros(ns float64) string {
	if ns >= 1e5 {
		return fmt.Sprintf("%.0f µs", ns/1000)
	}
	return fmt.Sprintf("%.2f µs", ns/1000)
}
