package main

import (
	"errors"

	"github.com/bytecodealliance/wasmtime-go/v40"
	"github.com/valyala/fasthttp"
)

// exchange is what the guest's imports see of a request.
type exchange struct {
	ctx *fasthttp.RequestCtx
	id  []byte
}

const absent = -1

// invoke runs the handler in an instance of its own. The package ties functions
// defined on a linker to no store's data, so that a closure over the exchange, on
// the store, is the shortest way to reach it.
func invoke(engine *wasmtime.Engine, module *wasmtime.Module, x *exchange) error {
	store := wasmtime.NewStore(engine)
	defer store.Close()
	var memory *wasmtime.Memory
	read := func(at, n int32) []byte {
		return memory.UnsafeData(store)[uint32(at):][:uint32(n)]
	}
	functions := map[string]any{
		"param": func(name, nameLen, buf, limit int32) int32 {
			if string(read(name, nameLen)) != "id" {
				return absent
			}
			if len(x.id) <= int(limit) {
				copy(read(buf, limit), x.id)
			}
			return int32(len(x.id))
		},
		"status": func(code int32) { x.ctx.SetStatusCode(int(code)) },
		"set_header": func(name, nameLen, value, valueLen int32) int32 {
			x.ctx.Response.Header.SetBytesKV(read(name, nameLen), read(value, valueLen))
			return 0
		},
		"write": func(text, n int32) int32 {
			x.ctx.Response.AppendBody(read(text, n))
			return 0
		},
	}
	var imports []wasmtime.AsExtern
	for _, i := range module.Imports() {
		function, known := functions[*i.Name()]
		if !known {
			return errors.New("import " + *i.Name() + " is not offered")
		}
		imports = append(imports, wasmtime.WrapFunc(store, function))
	}
	instance, err := wasmtime.NewInstance(store, module, imports)
	if err != nil {
		return err
	}
	memory = instance.GetExport(store, "memory").Memory()
	_, err = instance.GetFunc(store, "get_user").Call(store)
	return err
}
