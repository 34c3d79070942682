package sandbox

import (
	"context"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasmlane/wasmlane/abi"
)

// Import is one function that the host offers to guests.
type Import struct {
	Module, Name string
	Params       []abi.Type
	Result       abi.Type // 0 when it returns nothing

	// Quick says that the function never waits, for the network, a disk or
	// another guest: the guest that calls it keeps its permit to compute.
	Quick bool

	// Call runs the function. ctx is the context given to Instance.Call, or
	// what PoolOptions.InitContext has made during initialisation. A function
	// that waits looks at the deadline itself. mem is the guest's whole linear memory: it is valid until
	// Call returns, and the guest cannot grow it meanwhile. stack holds the
	// parameters; the result goes to stack[0]. The upper half of a slot is zero
	// for an i32 parameter, and ignored for an i32 result.
	//
	// A panic with an error traps the guest, and errors.As finds that error in
	// the *Trap. One that is a context.DeadlineExceeded or context.Canceled
	// gives the Trap that Kind. Calls come from many goroutines at once.
	Call func(ctx context.Context, mem []byte, stack []uint64)
}

// hostFunc is an Import with its type as modules declare it.
type hostFunc struct {
	Import
	typ funcType
}

// hostTable sorts imports by module and name.
func hostTable(imports []Import) (map[string]map[string]*hostFunc, error) {
	table := map[string]map[string]*hostFunc{}
	for _, i := range imports {
		f := &hostFunc{Import: i}
		for _, p := range i.Params {
			f.typ.params = append(f.typ.params, valType(p))
		}
		if i.Result != 0 {
			f.typ.results = []valType{valType(i.Result)}
		}
		for _, t := range slices.Concat(f.typ.params, f.typ.results) {
			if t != valType(abi.I32) && t != valType(abi.I64) {
				return nil, fmt.Errorf("sandbox: import %s.%s: type %#x is neither i32 nor i64", i.Module, i.Name, byte(t))
			}
		}
		if i.Module == "" || i.Call == nil {
			return nil, fmt.Errorf("sandbox: import %q.%q: it needs a module and a function", i.Module, i.Name)
		}
		if i.Module == meterModule {
			return nil, fmt.Errorf("sandbox: import %s.%s: the module is reserved", i.Module, i.Name)
		}
		if table[i.Module] == nil {
			table[i.Module] = map[string]*hostFunc{}
		}
		if table[i.Module][i.Name] != nil {
			return nil, fmt.Errorf("sandbox: import %s.%s is there twice", i.Module, i.Name)
		}
		table[i.Module][i.Name] = f
	}
	return table, nil
}

// instantiateHosts makes the functions known to the engine, one host module for
// each import module.
func instantiateHosts(ctx context.Context, rt wazero.Runtime, table map[string]map[string]*hostFunc) error {
	if err := exportYield(ctx, rt, yield); err != nil {
		return fmt.Errorf("sandbox: import module %s: %w", meterModule, err)
	}
	for module, funcs := range table {
		b := rt.NewHostModuleBuilder(module)
		for name, f := range funcs {
			b = b.NewFunctionBuilder().
				WithGoFunction(f.adapt(), engineTypes(f.typ.params), engineTypes(f.typ.results)).
				Export(name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("sandbox: import module %s: %w", module, err)
		}
	}
	return nil
}

func engineTypes(types []valType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// adapt turns the function into one for the engine.
func (f *hostFunc) adapt() api.GoFunc {
	call := f.Import.Call
	var narrow []int // the i32 parameters
	for i, t := range f.typ.params {
		if t == valType(abi.I32) {
			narrow = append(narrow, i)
		}
	}
	narrowResult, quick := f.Result == abi.I32, f.Quick
	return func(ctx context.Context, stack []uint64) {
		for _, i := range narrow {
			stack[i] = uint64(uint32(stack[i]))
		}
		c := ctx.(*callContext)
		held := !quick && c.beforeHost()
		// The engine's own accessor cannot tell a memory of 4 GiB from an
		// empty one.
		call(c.Context, c.instance.memory.buf, stack)
		told := false
		if narrowResult {
			stack[0] = uint64(uint32(stack[0]))
			code := abi.Code(int32(stack[0]))
			told = code == abi.Timeout || code == abi.Closed
		}
		c.afterHost(held, told)
	}
}

// valueless passes on the end of a context but not its values. Initialisation
// runs under the request that needed a new instance, and must not reach it.
type valueless struct{ context.Context }

func (valueless) Value(any) any { return nil }
