package generation

import (
	"context"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// Imports returns everything a guest may import: the abi's functions and our own
// WASI, each bound to the exchange that the guest runs for.
func Imports() []sandbox.Import {
	var imports []sandbox.Import
	behind := exchange.Imports()
	for _, f := range abi.Functions() {
		do := behind[f.Name]
		i := sandbox.Import{
			Module: abi.Module,
			Name:   f.Name,
			Result: f.Result,
			Quick:  quick(f),
			Call: func(ctx context.Context, mem []byte, stack []uint64) {
				do(exchange.From(ctx), mem, stack)
			},
		}
		for _, p := range f.Params {
			i.Params = append(i.Params, p.Type)
		}
		imports = append(imports, i)
	}
	for _, f := range wasi.Functions() {
		do := f.Call
		i := sandbox.Import{
			Module: wasi.Module,
			Name:   f.Name,
			Result: abi.Type(f.Result),
			Quick:  f.Name != "poll_oneoff" && f.Name != "fd_write",
			Call: func(ctx context.Context, mem []byte, stack []uint64) {
				do(exchange.From(ctx), mem, stack)
			},
		}
		for _, p := range f.Params {
			i.Params = append(i.Params, abi.Type(p))
		}
		imports = append(imports, i)
	}
	return imports
}

// quick reports whether a function never waits. The store may have to ask a disk,
// a call another plugin, a streaming response its client, and the log whoever
// reads it.
func quick(f abi.Function) bool {
	switch f.Group {
	case abi.Store, abi.Calls:
		return false
	}
	return f.Name != "write" && f.Name != "flush" && f.Name != "log"
}
