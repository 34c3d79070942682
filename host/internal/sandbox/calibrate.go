package sandbox

import (
	"context"
	"errors"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasmlane/wasmlane/host/internal/meter"
)

// calibrationLoop is a guest that counts in memory for ever:
//
//	(module (memory 1) (func (export "f")
//	  (loop (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1))) (br 0))))
const calibrationLoop = "\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // type () -> ()
	"\x03\x02\x01\x00" + // function
	"\x05\x03\x01\x00\x01" + // memory
	"\x07\x05\x01\x01f\x00\x00" + // export
	"\x0a\x16\x01\x14\x00\x03\x40\x41\x08\x41\x08\x28\x02\x00\x41\x01\x6a\x36\x02\x00\x0c\x00\x0b\x0b"

var errCalibrated = errors.New("calibrated")

// calibrate measures how much fuel a slice needs on this machine, as it is now.
// Being interrupted only makes a slice longer, so the best of some counts. What
// goes wrong is no reason not to start: slices adapt while guests run.
func calibrate(ctx context.Context) int64 {
	const rounds = 8
	metered, err := meter.Rewrite([]byte(calibrationLoop), meterOptions())
	if err != nil {
		return sliceDefault
	}
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(features))
	defer rt.Close(ctx)
	best := time.Duration(1<<63 - 1)
	round, began := 0, time.Time{}
	clock := func(_ context.Context, stack []uint64) {
		now := time.Now()
		if round > 1 { // the first ones warm up
			best = min(best, now.Sub(began))
		}
		if round++; round > rounds {
			panic(errCalibrated)
		}
		stack[0] = meter.Refill(stack[0], sliceDefault)
		began = time.Now()
	}
	if err := exportYield(ctx, rt, clock); err != nil {
		return sliceDefault
	}
	module, err := rt.InstantiateWithConfig(ctx, metered.Wasm, wazero.NewModuleConfig())
	if err != nil {
		return sliceDefault
	}
	if _, err := module.ExportedFunction("f").Call(ctx); !errors.Is(err, errCalibrated) || best <= 0 {
		return sliceDefault
	}
	fuel := int64(float64(sliceDefault) * float64(sliceTime) / float64(best))
	return min(max(fuel, sliceLeast), sliceMost)
}

// exportYield makes the function that metered code calls known to an engine.
func exportYield(ctx context.Context, rt wazero.Runtime, f api.GoFunc) error {
	_, err := rt.NewHostModuleBuilder(meterModule).NewFunctionBuilder().
		WithGoFunction(f, []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meterYield).
		Instantiate(ctx)
	return err
}
