package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// engine holds the compiled plugin.
type engine struct {
	runtime     wazero.Runtime
	module      wazero.CompiledModule
	closeOnDone bool
}

type exchangeKey struct{}

func newEngine(ctx context.Context, binary []byte, closeOnDone bool) (*engine, error) {
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(closeOnDone))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return nil, err
	}
	module, err := runtime.CompileModule(ctx, binary)
	if err != nil {
		return nil, err
	}
	host := runtime.NewHostModuleBuilder("wasmlane_v1")
	for _, f := range module.ImportedFunctions() {
		from, name, _ := f.Import()
		if from != "wasmlane_v1" {
			continue
		}
		function, known := imports[name]
		if !known { // imported, but not for what is measured here
			function = func(context.Context, api.Module, []uint64) { panic(name + " is not offered") }
		}
		host.NewFunctionBuilder().WithGoModuleFunction(function, f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		return nil, err
	}
	return &engine{runtime, module, closeOnDone}, nil
}

// instantiate returns a new instance, initialised.
func (e *engine) instantiate(ctx context.Context) (api.Module, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize", "wasmlane_init").
		WithSysWalltime().WithSysNanotime()
	return e.runtime.InstantiateModule(ctx, e.module, config)
}

// context returns the context of a call, which carries the exchange.
func (e *engine) context(x *exchange) (context.Context, context.CancelFunc) {
	ctx := context.WithValue(context.Background(), exchangeKey{}, x)
	if !e.closeOnDone {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, 2*time.Second)
}

// fresh makes a new instance for each request.
type fresh struct{ *engine }

func (f fresh) invoke(x *exchange) error {
	ctx, cancel := f.context(x)
	defer cancel()
	instance, err := f.instantiate(ctx)
	if err != nil {
		return err
	}
	defer instance.Close(ctx)
	_, err = instance.ExportedFunction("get_user").Call(ctx)
	return err
}

// pooled uses instances again, with whatever the last request left in them.
type pooled struct {
	*engine
	idle sync.Pool // *instance
}

type instance struct {
	module  api.Module
	getUser api.Function
}

func (p *pooled) invoke(x *exchange) error {
	i, ok := p.idle.Get().(*instance)
	if !ok {
		module, err := p.instantiate(context.Background())
		if err != nil {
			return err
		}
		i = &instance{module, module.ExportedFunction("get_user")}
	}
	ctx, cancel := p.context(x)
	defer cancel()
	if err := i.getUser.CallWithStack(ctx, nil); err != nil {
		return fmt.Errorf("get_user: %w", err) // and the instance is dropped
	}
	p.idle.Put(i)
	return nil
}
