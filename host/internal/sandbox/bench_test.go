package sandbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// What one request costs: Get, Call with a deadline, Put.
func BenchmarkRequest(b *testing.B) {
	tiny := wt.New().Memory(1, -1)
	tiny.Handler("nothing")
	for _, g := range []struct {
		name string
		wasm func() []byte
	}{{"tiny", tiny.Bytes}, {"go", func() []byte { return buildGo(b, "goguest") }}} {
		wasm := g.wasm()
		m := load(b, newRuntime(b, Options{Imports: wasiImports()}), wasm)
		for _, fresh := range []bool{false, true} {
			name := g.name + "/reused"
			if fresh {
				name = g.name + "/fresh"
			}
			b.Run(name, func(b *testing.B) {
				p := newPool(b, m, goOptions(PoolOptions{Instances: 4, Fresh: fresh}))
				ctx := newProcess(context.Background()).ctx
				b.ReportAllocs()
				for b.Loop() {
					if err := once(ctx, b, p, "nothing", time.Now().Add(time.Second)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What taking an instance and giving it back costs, with a reset after so many
// pages were written.
func BenchmarkReset(b *testing.B) {
	guest := wt.New().Memory(64, -1)
	written := []int{0, 1, 4, 16, 64}
	for _, pages := range written {
		var code [][]byte
		for page := range pages {
			code = append(code, wt.I32Const(int32(page*4096)), wt.I32Const(1), wt.I32Store())
		}
		guest.Handler(fmt.Sprintf("pages%d", pages), code...)
	}
	m := load(b, newRuntime(b, Options{}), guest.Bytes())
	for _, pages := range written {
		name := fmt.Sprintf("pages%d", pages)
		b.Run(name, func(b *testing.B) {
			p := newPool(b, m, PoolOptions{Instances: 1})
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if err := once(ctx, b, p, name, time.Now().Add(time.Second)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("uncalled", func(b *testing.B) {
		p := newPool(b, m, PoolOptions{Instances: 1})
		b.ReportAllocs()
		for b.Loop() {
			p.Put(get(b, p), Clean)
		}
	})
}
