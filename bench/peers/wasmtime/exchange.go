package main

import (
	"github.com/bytecodealliance/wasmtime-go/v40"
	"github.com/valyala/fasthttp"
)

// exchange is what the guest's imports see of a request: the data of its store.
type exchange struct {
	ctx *fasthttp.RequestCtx
	id  []byte
}

const absent = -1

// functions are what the handler needs of wasmlane_v1.
var functions = map[string]func(x *exchange, memory []byte, args []wasmtime.Val) []wasmtime.Val{
	"param": func(x *exchange, memory []byte, args []wasmtime.Val) []wasmtime.Val {
		if string(part(memory, args[0], args[1])) != "id" {
			return number(absent)
		}
		if to := part(memory, args[2], args[3]); len(x.id) <= len(to) {
			copy(to, x.id)
		}
		return number(len(x.id))
	},
	"status": func(x *exchange, _ []byte, args []wasmtime.Val) []wasmtime.Val {
		x.ctx.SetStatusCode(int(args[0].I32()))
		return nil
	},
	"set_header": func(x *exchange, memory []byte, args []wasmtime.Val) []wasmtime.Val {
		x.ctx.Response.Header.SetBytesKV(part(memory, args[0], args[1]), part(memory, args[2], args[3]))
		return number(0)
	},
	"write": func(x *exchange, memory []byte, args []wasmtime.Val) []wasmtime.Val {
		x.ctx.Response.AppendBody(part(memory, args[0], args[1]))
		return number(0)
	},
}

func part(memory []byte, at, n wasmtime.Val) []byte {
	return memory[uint32(at.I32()):][:uint32(n.I32())]
}

func number(n int) []wasmtime.Val { return []wasmtime.Val{wasmtime.ValI32(int32(n))} }

// link defines all that the module imports, once for all instances.
func link(engine *wasmtime.Engine, module *wasmtime.Module) (*wasmtime.Linker, error) {
	linker := wasmtime.NewLinker(engine)
	for _, i := range module.Imports() {
		name := *i.Name()
		function, known := functions[name]
		err := linker.FuncNew(i.Module(), name, i.Type().FuncType(), func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			if !known { // imported, but not for what is measured here
				return nil, wasmtime.NewTrap(name + " is not offered")
			}
			memory := c.GetExport("memory").Memory().UnsafeData(c)
			return function(c.Data().(*exchange), memory, args), nil
		})
		if err != nil {
			return nil, err
		}
	}
	return linker, nil
}

// invoke runs the handler in an instance of its own.
func invoke(engine *wasmtime.Engine, linker *wasmtime.Linker, module *wasmtime.Module, x *exchange) error {
	store := wasmtime.NewStoreWithData(engine, x)
	defer store.Close()
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return err
	}
	_, err = instance.GetFunc(store, "get_user").Call(store)
	return err
}
