package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// hostile has every way to end badly, one handler each.
func hostile() *wt.Module {
	m := wt.New()
	fail := m.Import("test", "fail", nil, nil)
	text := m.Import("test", "text", nil, nil)
	defect := m.Import("test", "defect", nil, nil)
	wait := m.Import("test", "wait", nil, nil)
	m.Memory(1, -1).Table(2, 2)
	m.Handler("fine")
	inner := m.Func(nil, nil, nil, wt.Unreachable())
	m.Handler("unreachable", wt.Call(inner))
	m.Handler("bounds", wt.I32Const(-1), wt.I32Load(), wt.Drop())
	m.Handler("divide", wt.I32Const(1), wt.I32Const(0), wt.Op(0x6d), wt.Drop())
	m.Handler("overflow", wt.I32Const(-1<<31), wt.I32Const(-1), wt.Op(0x6d), wt.Drop())
	m.Handler("convert", append([]byte{0x43}, 0, 0, 0xc0, 0x7f), wt.Op(0xa8), wt.Drop())
	m.Handler("null", wt.I32Const(1), wt.CallIndirect(0))
	m.Handler("table", wt.I32Const(9), wt.CallIndirect(0))
	other := m.Func(wt.Type{wt.I64}, nil, nil)
	m.Handler("mismatch", wt.I32Const(0), wt.CallIndirect(0))
	m.Elements(0, other)
	deep := m.Func(nil, nil, nil, wt.Call(other+2)) // calls itself
	m.Handler("deep", wt.Call(deep))
	m.Handler("fail", wt.Call(fail))
	m.Handler("text", wt.Call(text))
	m.Handler("defect", wt.Call(defect))
	m.Handler("wait", wt.Call(wait))
	m.Handler("forever", wt.Forever())
	return m.Names(map[uint32]string{inner: "deeply\ninside", inner + 1: "pkg.unreachable"})
}

func TestTraps(t *testing.T) {
	var log logs
	r := newRuntime(t, Options{Log: log.logger()})
	p := newPool(t, load(t, r, hostile().Bytes()), PoolOptions{Instances: 2})
	for handler, want := range map[string]string{
		"unreachable": "unreachable",
		"bounds":      "out of bounds memory access",
		"divide":      "integer divide by zero",
		"overflow":    "integer overflow",
		"convert":     "invalid conversion to integer",
		"null":        "invalid table access",
		"table":       "invalid table access",
		"mismatch":    "indirect call type mismatch",
		"deep":        "stack limit",
		"fail":        "host says no",
		"text":        "just text",
		"defect":      "runtime error: index out of range [1] with length 0",
		"missing":     `the module has no handler "missing"`,
	} {
		got := trap(t, p, handler, time.Time{})
		if got.Kind != Trapped || got.Reason != want {
			t.Errorf("%s: %s: %q, want %q", handler, got.Kind, got.Reason, want)
		}
		if strings.Contains(got.Stack+got.Reason, "goroutine") || strings.Contains(got.Stack, ".go:") {
			t.Errorf("%s: the stack is the host's:\n%s", handler, got.Stack)
		}
		if got.Error() != "trapped: "+want {
			t.Errorf("%s: the text is %q", handler, got.Error())
		}
		if (got.Err != nil) != (handler == "fail" || handler == "defect" || handler == "deep") {
			t.Errorf("%s: Err is %v", handler, got.Err)
		}
		if errors.Is(got, ErrStackLimit) != (handler == "deep") {
			t.Errorf("%s: errors.Is stack limit is %v", handler, errors.Is(got, ErrStackLimit))
		}
		if errors.Is(got, errHost) != (handler == "fail") {
			t.Errorf("%s: errors.Is host error is %v", handler, errors.Is(got, errHost))
		}
	}
	if text := log.String(); strings.Count(text, "defect of the host") != 1 || !strings.Contains(text, "call_test.go") && !strings.Contains(text, "help_test.go") {
		t.Errorf("the defect's host stack is not in the log, once:\n%s", text)
	}
	if s := p.Stats(); s.Discarded != s.Created || s.Idle != 0 {
		t.Errorf("trapped instances were kept: %+v", s)
	}
	if err := once(context.Background(), t, p, "fine", time.Time{}); err != nil {
		t.Error(err)
	}
}

func TestTrapStack(t *testing.T) {
	p := guest(t, hostile(), PoolOptions{})
	got := trap(t, p, "unreachable", time.Time{})
	if want := "deeply inside()\npkg.unreachable()"; got.Stack != want {
		t.Errorf("stack is %q, want %q", got.Stack, want)
	}
}

func TestDeadline(t *testing.T) {
	p := guest(t, hostile(), PoolOptions{Instances: 2})
	for _, handler := range []string{"forever", "wait"} {
		for _, left := range []time.Duration{30 * time.Millisecond, -time.Hour} {
			deadline := time.Now().Add(left)
			// What waits looks at the time itself.
			ctx, cancel := context.WithDeadline(context.Background(), deadline)
			var got *Trap
			if err := once(ctx, t, p, handler, deadline); !errors.As(err, &got) || got.Kind != Deadline {
				t.Errorf("%s: %v, want the deadline", handler, err)
			}
			cancel()
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(30*time.Millisecond, cancel)
		var canceled *Trap
		if err := once(ctx, t, p, handler, time.Time{}); !errors.As(err, &canceled) || canceled.Kind != Canceled {
			t.Errorf("%s: %v, want canceled", handler, err)
		}
	}
	if s := p.Stats(); s.Discarded != s.Created {
		t.Errorf("stopped instances were kept: %+v", s)
	}
}

func TestImportsSeeMemoryAndNumbers(t *testing.T) {
	m := wt.New()
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	size := m.Import("test", "size", nil, wt.Type{wt.I32})
	minus := m.Import("test", "minus", nil, wt.Type{wt.I32})
	wide := m.Import("test", "wide", wt.Type{wt.I64, wt.I32}, wt.Type{wt.I64})
	m.Memory(1, -1)
	m.Handler("sizes",
		wt.Call(size), wt.Call(note),
		wt.I32Const(2), wt.MemoryGrow(), wt.Call(note),
		wt.Call(size), wt.Call(note))
	m.Handler("numbers",
		wt.Call(minus), wt.Call(note),
		wt.I32Const(-2), wt.Call(note),
		wt.I64Const(1<<40), wt.I32Const(-1), wt.Call(wide), wt.I64Const(32), wt.Op(0x88), wt.Op(0xa7), wt.Call(note))
	p := guest(t, m, PoolOptions{})
	if got := answers(t, p, "sizes"); !slices.Equal(got, []uint64{64 << 10, 1, 192 << 10}) {
		t.Errorf("sizes: %v", got)
	}
	// The i32 -1 is 4294967295 and no more; so the sum has 256 in its upper half.
	if got := answers(t, p, "numbers"); !slices.Equal(got, []uint64{1<<32 - 1, 1<<32 - 2, 256}) {
		t.Errorf("numbers: %v", got)
	}
}

func TestMemoryLimit(t *testing.T) {
	m := wt.New()
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(1, -1)
	m.Handler("grow", // by pages, until it fails
		wt.Loop(wt.I32Const(1), wt.MemoryGrow(), wt.I32Const(-1), wt.Op(0x47), wt.BrIf(0)),
		wt.MemorySize(), wt.Call(note),
		wt.I32Const(1<<16), wt.MemoryGrow(), wt.Call(note),
		wt.I32Const(-1), wt.MemoryGrow(), wt.Call(note))
	wasm := m.Bytes()
	r := newRuntime(t, Options{})
	for limit, pages := range map[uint64]uint64{1 << 20: 16, 1<<20 + 100: 16, 64 << 10: 1} {
		p := newPool(t, load(t, r, wasm), PoolOptions{Memory: limit})
		if got := answers(t, p, "grow"); !slices.Equal(got, []uint64{pages, 1<<32 - 1, 1<<32 - 1}) {
			t.Errorf("limit %d: %v, want %d pages", limit, got, pages)
		}
	}

	large := wt.New().Memory(320, -1).Bytes()
	_, err := load(t, r, large).NewPool(t.Context(), PoolOptions{Name: "user", Instances: 1, Memory: 16 << 20})
	if err == nil || !errors.Is(err, ErrRefused) ||
		err.Error() != "the module starts with 20MiB of memory and its limit is 16MiB; raise memory for this plugin" {
		t.Errorf("too large from the start: %v", err)
	}
}

// Without a cap one instruction would take 32 GiB from the host.
func TestTablesAreCapped(t *testing.T) {
	m := wt.New()
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(1, -1).Table(10, -1).Table(6, 1<<30).Table(4, 5)
	grow := func(table uint32, n int32) []byte {
		return slices.Concat([]byte{0xd0, wt.Funcref}, wt.I32Const(n), wt.TableGrow(table), wt.Call(note))
	}
	m.Handler("grow",
		grow(0, 1<<31-1), grow(1, 1<<29), // refused
		grow(0, 1000), grow(0, 1<<20), grow(1, 349_000), // within
		grow(2, 1), grow(2, 1)) // its own maximum
	const no = 1<<32 - 1
	if got := answers(t, guest(t, m, PoolOptions{}), "grow"); !slices.Equal(got, []uint64{no, no, 10, no, 6, 4, no}) {
		t.Errorf("table.grow answered %v", got)
	}
	bounded := small().Table(3, 7).Bytes()
	if l, err := parse(bounded); err != nil || &capTables(bounded, l)[0] != &bounded[0] {
		t.Error("a module that needs no change was copied")
	}
}
