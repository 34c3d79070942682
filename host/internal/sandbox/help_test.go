package sandbox

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// The host functions of these tests, import module "test".

var errHost = errors.New("host says no")

// notes is what guests tell with test.note. It is found by the context.
type notes struct {
	mu   sync.Mutex
	list []uint64
}

type notesKey struct{}

func (n *notes) context() context.Context {
	return context.WithValue(context.Background(), notesKey{}, n)
}

func (n *notes) all() []uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.list
}

func testImports() []Import {
	i32 := []abi.Type{abi.I32}
	return []Import{
		{Module: "test", Name: "note", Params: i32, Call: func(ctx context.Context, _ []byte, stack []uint64) {
			if n, ok := ctx.Value(notesKey{}).(*notes); ok {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.list = append(n.list, stack[0])
			}
		}},
		{Module: "test", Name: "size", Result: abi.I32, Call: func(_ context.Context, mem []byte, stack []uint64) {
			stack[0] = uint64(len(mem))
		}},
		{Module: "test", Name: "minus", Result: abi.I32, Call: func(_ context.Context, _ []byte, stack []uint64) {
			stack[0] = ^uint64(0)
		}},
		{Module: "test", Name: "wide", Params: []abi.Type{abi.I64, abi.I32}, Result: abi.I64, Call: func(_ context.Context, _ []byte, stack []uint64) {
			stack[0] += stack[1]
		}},
		{Module: "test", Name: "fail", Call: func(context.Context, []byte, []uint64) { panic(errHost) }},
		{Module: "test", Name: "text", Call: func(context.Context, []byte, []uint64) { panic("just text") }},
		{Module: "test", Name: "defect", Call: func(_ context.Context, _ []byte, stack []uint64) {
			_ = stack[len(stack)+1]
		}},
		{Module: "test", Name: "wait", Call: func(ctx context.Context, _ []byte, _ []uint64) {
			<-ctx.Done()
			panic(ctx.Err())
		}},
		{Module: abi.Module, Name: "flush", Result: abi.I32, Call: func(context.Context, []byte, []uint64) {}},
	}
}

// logs is a log that tests read.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func newRuntime(t testing.TB, o Options) *Runtime {
	t.Helper()
	if o.Imports == nil {
		o.Imports = testImports()
	}
	r, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func load(t testing.TB, r *Runtime, wasm []byte) *Module {
	t.Helper()
	m, err := r.Load(t.Context(), "guest", wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}

func newPool(t testing.TB, m *Module, o PoolOptions) *Pool {
	t.Helper()
	if o.Instances == 0 {
		o.Instances = 1
	}
	o.Name = "guest"
	p, err := m.NewPool(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// guest is a pool for a module, in a Runtime of its own.
func guest(t testing.TB, m *wasmtest.Module, o PoolOptions) *Pool {
	t.Helper()
	return newPool(t, load(t, newRuntime(t, Options{}), m.Bytes()), o)
}

func get(t testing.TB, p *Pool) *Instance {
	t.Helper()
	i, err := p.Get(context.Background(), time.Time{}, false)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// once gets an instance, calls a handler and puts it back.
func once(ctx context.Context, t testing.TB, p *Pool, handler string, deadline time.Time) error {
	t.Helper()
	i := get(t, p)
	err := i.Call(ctx, handler, deadline)
	if err != nil {
		p.Put(i, Failed)
	} else {
		p.Put(i, Clean)
	}
	return err
}

// trap is once, for a call that must trap.
func trap(t testing.TB, p *Pool, handler string, deadline time.Time) *Trap {
	t.Helper()
	var trap *Trap
	if err := once(context.Background(), t, p, handler, deadline); !errors.As(err, &trap) {
		t.Fatalf("%s ended with %v, want a trap", handler, err)
	}
	return trap
}

// answers are the notes that a handler makes.
func answers(t testing.TB, p *Pool, handler string) []uint64 {
	t.Helper()
	n := &notes{}
	if err := once(n.context(), t, p, handler, time.Time{}); err != nil {
		t.Fatalf("%s: %v", handler, err)
	}
	return n.all()
}

// forEachReset runs a test on every way to reset instances that works here.
func forEachReset(t *testing.T, f func(t *testing.T, r *Runtime)) {
	for _, mode := range []ResetMode{ResetByScan, ResetByTable, ResetByCopy} {
		t.Run(string(mode), func(t *testing.T) {
			f(t, newRuntime(t, Options{Reset: here(t, mode)}))
		})
	}
}

// here skips the ways to reset that this system does not have.
func here(t testing.TB, mode ResetMode) ResetMode {
	t.Helper()
	if runtime.GOOS != "linux" && mode != ResetByCopy {
		t.Skip("it works on Linux only")
	}
	if mode == ResetByScan {
		if s, err := openSpace(mode, slog.New(slog.DiscardHandler)); err != nil {
			t.Skipf("it needs Linux 6.7 or later: %v", err)
		} else {
			closeSpace(s)
		}
	}
	return mode
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// notReset makes a module one that cannot be put back to an image, so that each
// of its instances initialises itself.
func notReset(m *wasmtest.Module) {
	m.Global(wasmtest.Funcref, true, []byte{0xd0, wasmtest.Funcref})
}
