package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/abi"
)

// pageSize is the unit of linear memory.
const pageSize = 64 << 10

// Info is what a module says about itself.
type Info struct {
	Size        int          // of the module, in bytes
	SHA256      string       // of the module, in hexadecimal
	Handlers    []string     // exports that a route can run, sorted
	BadHandlers []BadHandler // exports with a handler's name but not its type, sorted
	Imports     []ImportName // in the module's order
	MemoryMin   uint64       // bytes of linear memory at the start
	MemoryMax   uint64       // bytes it declares as its most, 0 when it declares none

	// NoReset says why the module cannot be put back to an image, so that with
	// isolation "request" every request costs a new instance. Empty: it can.
	NoReset string

	// Refused says why Load would not take the module; set by Inspect only.
	Refused error

	// Command says that the module exports _start: a program that runs from start
	// to end. It has no Handlers unless it exports _initialize too, since nothing
	// else makes it ready for them.
	Command bool

	HasInitialize bool // exports _initialize
	HasInit       bool // exports wasmlane_init

	// Language is the source language with its version, Producers all tools
	// with theirs. Both are empty when the module does not say.
	Language  string
	Producers string
}

// BadHandler is an export that could be a handler by its name but not by its
// type. Allocators that SDKs export are among them, so it is no error as long
// as no route names it.
type BadHandler struct {
	Name      string
	Signature string // "(i32) -> i32", or "global"
}

// ImportName is one import.
type ImportName struct{ Module, Name string }

// Inspect reads what a module declares, without compiling it and without a
// Runtime, and says in Info.Refused what Load of a host with these imports would
// object to. It does not validate instructions: the engine may still refuse what
// Inspect lets pass. Its errors, for what is no module at all, are ErrRefused, or
// the context's.
func Inspect(ctx context.Context, wasm []byte, imports []Import) (*Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	hosts, err := hostTable(imports)
	if err != nil {
		return nil, err
	}
	l, err := parse(wasm)
	if err != nil {
		return nil, err
	}
	info := newInfo(l, wasm, sha256.Sum256(wasm))
	m, err := instrument(wasm, l)
	if err == nil {
		info.NoReset = noReset(m.Reset)
	}
	if info.Refused = check(l, hosts); info.Refused == nil {
		info.Refused = err
	}
	return info, nil
}

func newInfo(l *layout, wasm []byte, sum [sha256.Size]byte) *Info {
	info := &Info{Size: len(wasm), SHA256: hex.EncodeToString(sum[:])}
	for _, e := range l.exports {
		switch {
		case e.name == abi.ExportStart:
			info.Command = true
		case e.name == abi.ExportInitialize:
			info.HasInitialize = true
		case e.name == abi.ExportInit:
			info.HasInit = true
		case !abi.IsHandler(e.name) || e.name == abi.ExportMemory && e.kind == kindMemory:
		case l.isProcedure(e):
			info.Handlers = append(info.Handlers, e.name)
		default:
			info.BadHandlers = append(info.BadHandlers, BadHandler{e.name, l.signature(e)})
		}
	}
	if info.Command && !info.HasInitialize {
		info.Handlers, info.BadHandlers = nil, nil
	}
	slices.Sort(info.Handlers)
	slices.SortFunc(info.BadHandlers, func(a, b BadHandler) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range l.imports {
		info.Imports = append(info.Imports, ImportName{d.module, d.name})
	}
	if len(l.memories) > 0 {
		m := l.memories[0]
		info.MemoryMin = uint64(m.min) * pageSize
		if m.hasMax {
			info.MemoryMax = uint64(m.max) * pageSize
		}
	}
	var tools []string
	for _, p := range l.producers {
		text := strings.TrimSpace(p.name + " " + p.version)
		if p.field == "language" && info.Language == "" {
			info.Language = text
		}
		tools = append(tools, p.field+": "+text)
	}
	info.Producers = strings.Join(tools, "; ")
	return info
}
