package meter

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// BenchmarkKernels compares each kernel as it is, metered, and with the engine's
// own way to stop a guest (WithCloseOnContextDone). The three take turns, and a
// figure is the median of the ratios of the turns. One run prints a table; -benchtime 1x is enough:
//
//	go test -run '^$' -bench Kernels -benchtime 1x ./host/internal/meter
//
// Where a loop's code falls on the lines of the processor's caches can make it half
// as fast again, metered or not. So each kernel is measured at several places, with
// padding in front of the code of functions with loops, and the ratio is the mean.
func BenchmarkKernels(b *testing.B) {
	for _, language := range []struct {
		name    string
		compile func(testing.TB) []byte
		places  int
	}{{"c", cKernels, 5}, {"go", goKernels, 2}} {
		b.Run(language.name, func(b *testing.B) {
			wasm := language.compile(b)
			for range b.N {
				report(b, measure(b, wasm, language.places))
			}
		})
	}
}

// timing is how much longer a kernel takes than unmetered.
type timing struct {
	name          string
	plain         time.Duration // of the first place
	metered, done float64
	logMetered    float64
}

func measure(b *testing.B, wasm []byte, places int) []timing {
	plain := newRig(b, wazero.NewRuntimeConfig())
	stop := newRig(b, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := stop.instance(wasm)
	var all []timing
	for place := range places {
		padded := pad(wasm, place)
		original, metered := plain.instance(padded), plain.instance(rewrite(b, padded, Options{}).Wasm)
		for i, name := range kernelNames(original) {
			if place == 0 {
				all = append(all, timing{name: name})
			}
			t := &all[i]
			n := repeats(b, original, name)
			variants := []variant{{original, context.Background(), nil}, {metered, context.Background(), nil}}
			if place == 0 {
				variants = append(variants, variant{done, ctx, nil})
			}
			race(b, variants, name, n)
			t.logMetered += math.Log(ratio(variants[1], variants[0]))
			if place == 0 {
				t.plain = time.Duration(median(variants[0].times))
				t.done = ratio(variants[2], variants[0])
			}
		}
		original.Close(ctx)
		metered.Close(ctx)
	}
	for i := range all {
		all[i].metered = math.Exp(all[i].logMetered / float64(places))
	}
	return all
}

type variant struct {
	mod   api.Module
	ctx   context.Context
	times []float64
}

// ratio is the median, over the turns, of how much longer v took than base.
func ratio(v, base variant) float64 {
	var all []float64
	for i, t := range v.times {
		all = append(all, t/base.times[i])
	}
	return median(all)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// race lets the variants take turns.
func race(b *testing.B, variants []variant, name string, n uint64) {
	for round := range 11 {
		for i := range variants {
			if round%2 == 1 { // the other way round: who goes first may differ
				i = len(variants) - 1 - i
			}
			v := &variants[i]
			if i == 2 && round >= 3 { // takes ten times as long
				continue
			}
			v.times = append(v.times, clock(b, v.mod, v.ctx, name, n))
		}
	}
}

func clock(b *testing.B, mod api.Module, ctx context.Context, name string, n uint64) float64 {
	start := time.Now()
	if _, err := mod.ExportedFunction(name).Call(ctx, n); err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	return float64(time.Since(start))
}

// repeats finds how often a kernel repeats its work in about 4 ms.
func repeats(b *testing.B, mod api.Module, name string) uint64 {
	n := uint64(1)
	for n < 1<<30 && min(clock(b, mod, context.Background(), name, n), clock(b, mod, context.Background(), name, n)) < 3e6 {
		n *= 2
	}
	return n
}

func report(b *testing.B, all []timing) {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%-12s %9s  %8s  %s\n", "kernel", "plain ms", "metered", "WithCloseOnContextDone")
	var metered, done, worst float64
	for _, t := range all {
		fmt.Fprintf(&text, "%-12s %9.2f  %8.3f  %8.2f\n", t.name, t.plain.Seconds()*1000, t.metered, t.done)
		metered += math.Log(t.metered)
		done += math.Log(t.done)
		worst = max(worst, t.metered)
	}
	n := float64(len(all))
	fmt.Fprintf(&text, "%-12s %9s  %8.3f  %8.2f   (geometric mean of %d; worst metered %.3f)\n",
		"all", "", math.Exp(metered/n), math.Exp(done/n), len(all), worst)
	fmt.Print(text.String()) // a log of a benchmark is cut
	b.ReportMetric(math.Exp(metered/n), "metered/plain")
	b.ReportMetric(math.Exp(done/n), "closeondone/plain")
	b.ReportMetric(worst, "worst/plain")
}

// BenchmarkRewrite is the time a module takes to load for the rewrite alone.
func BenchmarkRewrite(b *testing.B) {
	wasm := goKernels(b)
	b.SetBytes(int64(len(wasm)))
	for b.Loop() {
		rewrite(b, wasm, Options{})
	}
}

// pad puts code that only takes room at the start of every function with loops: it
// copies a global to itself, so often.
func pad(wasm []byte, times int) []byte {
	o := Options{}.withDefaults()
	m, err := parse(wasm, o)
	if err != nil {
		panic(err)
	}
	facts, _, err := m.scan(&Reset{})
	if err != nil {
		panic(err)
	}
	var bodies []byte
	for i, body := range m.bodies {
		code := appendU32(nil, uint32(len(body.groups)))
		for _, g := range body.groups {
			code = append(appendU32(code, g.count), byte(g.typ))
		}
		if len(facts[m.importedFuncs+i].loops) > 0 {
			code = append(code, slices.Repeat(slices.Concat(gget(0), gset(0)), times)...)
		}
		bodies = appendBytes(bodies, append(code, wasm[body.code.at:body.code.end]...))
	}
	out := slices.Clone(wasm[:8])
	for r := (reader{b: wasm, at: 8, end: len(wasm)}); r.left() > 0; {
		id := r.byte()
		content := r.bytes(int(r.u32()))
		if id == 10 {
			content = appendList(len(m.bodies), bodies)
		}
		out = appendSection(out, id, content)
	}
	return out
}
