package sandbox

import (
	"context"
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
