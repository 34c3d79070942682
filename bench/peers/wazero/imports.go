package main

import (
	"context"

	"github.com/tetratelabs/wazero/api"
)

const absent = 0xffffffff // -1

// imports are the functions of wasmlane_v1 that the handler needs.
var imports = map[string]api.GoModuleFunc{
	"param": func(ctx context.Context, m api.Module, stack []uint64) {
		x := ctx.Value(exchangeKey{}).(*exchange)
		if string(read(m, stack[0], stack[1])) != "id" {
			stack[0] = absent
			return
		}
		if len(x.id) <= int(uint32(stack[3])) && !m.Memory().Write(uint32(stack[2]), x.id) {
			panic("param: buf is not in memory")
		}
		stack[0] = uint64(len(x.id))
	},
	"request": func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = 0 },
	"status": func(ctx context.Context, _ api.Module, stack []uint64) {
		ctx.Value(exchangeKey{}).(*exchange).ctx.SetStatusCode(int(uint32(stack[0])))
	},
	"set_header": func(ctx context.Context, m api.Module, stack []uint64) {
		x := ctx.Value(exchangeKey{}).(*exchange)
		x.ctx.Response.Header.SetBytesKV(read(m, stack[0], stack[1]), read(m, stack[2], stack[3]))
		stack[0] = 0
	},
	"write": func(ctx context.Context, m api.Module, stack []uint64) {
		x := ctx.Value(exchangeKey{}).(*exchange)
		x.ctx.Response.AppendBody(read(m, stack[0], stack[1]))
		stack[0] = 0
	},
}

func read(m api.Module, at, n uint64) []byte {
	text, ok := m.Memory().Read(uint32(at), uint32(n))
	if !ok {
		panic("a range is not in memory")
	}
	return text
}
