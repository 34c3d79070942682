package meter

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// engineFeatures is what the host turns on.
const engineFeatures = api.CoreFeatureMutableGlobal |
	api.CoreFeatureSignExtensionOps |
	api.CoreFeatureNonTrappingFloatToIntConversion |
	api.CoreFeatureMultiValue |
	api.CoreFeatureBulkMemoryOperations |
	api.CoreFeatureReferenceTypes |
	api.CoreFeatureSIMD |
	experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst

var (
	errStack   = errors.New("stack limit")
	errStopped = errors.New("stopped by yield")
)

// rig runs modules in an engine, with WASI, a yield function and a tick function.
type rig struct {
	t      testing.TB
	engine wazero.Runtime
	yields int                // calls of yield for fuel
	yield  func() int64       // the new fuel; nil: Slice
	peek   func(state uint64) // sees the state at each yield
	tick   func(n uint32)     // env.tick; nil: nothing
}

func newRig(t testing.TB, config wazero.RuntimeConfig) *rig {
	t.Helper()
	ctx := context.Background()
	r := &rig{t: t, engine: wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(engineFeatures))}
	t.Cleanup(func() { r.engine.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r.engine)
	i64, i32 := []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI32}
	_, err := r.engine.NewHostModuleBuilder(DefaultModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { stack[0] = r.onYield(stack[0]) }), i64, i64).
		Export(DefaultYield).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.engine.NewHostModuleBuilder("env").NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			if r.tick != nil {
				r.tick(uint32(stack[0]))
			}
		}), i32, nil).Export("tick").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) onYield(state uint64) uint64 {
	if StackSpent(state) {
		panic(errStack)
	}
	r.yields++
	if r.peek != nil {
		r.peek(state)
	}
	if r.yield == nil {
		return Refill(state, Slice)
	}
	return Refill(state, r.yield())
}

// instance instantiates a module and initialises it.
func (r *rig) instance(wasm []byte) api.Module {
	r.t.Helper()
	mod, err := r.tryInstance(wasm)
	if err != nil {
		r.t.Fatal(err)
	}
	return mod
}

func (r *rig) tryInstance(wasm []byte) (api.Module, error) {
	return r.engine.InstantiateWithConfig(context.Background(), wasm,
		wazero.NewModuleConfig().WithName("").WithStartFunctions(DefaultPrefix+"start", "_initialize"))
}

// invoke calls an export and returns its results, or the first line of the error:
// the rest is a stack, whose function indexes a rewrite changes.
func invoke(mod api.Module, name string, args ...uint64) ([]uint64, string) {
	results, err := mod.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, line
	}
	return results, ""
}

// rewrite rewrites a module and fails the test if that fails.
func rewrite(t testing.TB, wasm []byte, o Options) *Result {
	t.Helper()
	res, err := Rewrite(wasm, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// valid reports why the engine refuses a module.
func valid(engine wazero.Runtime, wasm []byte) error {
	ctx := context.Background()
	compiled, err := engine.CompileModule(ctx, wasm)
	if err != nil {
		return err
	}
	return compiled.Close(ctx)
}

// stopAfter is a yield function that ends the guest at its n-th call.
func stopAfter(n int) func() int64 {
	return func() int64 {
		if n--; n < 0 {
			panic(errStopped)
		}
		return Slice
	}
}

// interpreter is the engine's configuration that compiles nothing: for tests with
// many modules.
func interpreter() wazero.RuntimeConfig { return wazero.NewRuntimeConfigInterpreter() }
