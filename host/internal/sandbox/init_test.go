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

// initialising is a module with a start section and both initialisers; each
// notes its number first.
func initialising(start, initialize, init []byte) *wt.Module {
	m := wt.New()
	note := m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Import("test", "fail", nil, nil)
	m.Import("test", "wait", nil, nil)
	m.Memory(1, -1)
	step := func(n int32, code []byte) uint32 {
		return m.Func(nil, nil, nil, wt.I32Const(n), wt.Call(note), code)
	}
	m.Start(step(1, start))
	m.Export("_initialize", wt.KindFunc, step(2, initialize))
	m.Export("wasmlane_init", wt.KindFunc, step(3, init))
	m.Export("_start", wt.KindFunc, step(4, nil)) // never run
	m.Export("handler", wt.KindFunc, step(5, nil))
	return m
}

func TestInitialisation(t *testing.T) {
	n := &notes{}
	p := guest(t, initialising(nil, nil, nil), PoolOptions{
		Instances: 2,
		InitContext: func(ctx context.Context) context.Context {
			if ctx.Value(notesKey{}) != nil {
				t.Error("initialisation sees the request")
			}
			return context.WithValue(ctx, notesKey{}, n)
		},
	})
	if got := n.all(); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("steps were %v", got)
	}
	// One that is made under a request sees none of it.
	get(t, p)
	request := &notes{}
	i, err := p.Get(request.context(), time.Time{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Call(request.context(), "handler", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := n.all(); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("it ran again although there is an image: %v", got)
	}
	if got := request.all(); !slices.Equal(got, []uint64{5}) {
		t.Errorf("the request saw %v", got)
	}
}

func TestInitialisationFails(t *testing.T) {
	r := newRuntime(t, Options{})
	for name, c := range map[string]struct {
		m    *wt.Module
		step string
		want string
	}{
		"start traps":      {initialising(wt.Unreachable(), nil, nil), "start section", "start section failed: unreachable"},
		"initialize traps": {initialising(nil, wt.Unreachable(), nil), "_initialize", "_initialize failed: unreachable"},
		"init traps":       {initialising(nil, nil, wt.Unreachable()), "wasmlane_init", "wasmlane_init failed: unreachable"},
		"host refuses":     {initialising(nil, nil, wt.Call(1)), "wasmlane_init", "wasmlane_init failed: host says no"},
		"start refused":    {initialising(wt.Call(1), nil, nil), "start section", "start section failed: host says no"},
		"start loops":      {initialising(wt.Forever(), nil, nil), "start section", "start section did not end within 50ms (init_timeout)"},
		"initialize loops": {initialising(nil, wt.Forever(), nil), "_initialize", "_initialize did not end within 50ms (init_timeout)"},
		"init waits":       {initialising(nil, nil, wt.Call(2)), "wasmlane_init", "wasmlane_init did not end within 50ms (init_timeout)"},
	} {
		t.Run(name, func(t *testing.T) {
			o := PoolOptions{Name: "user", Instances: 1}
			if strings.Contains(c.want, "init_timeout") {
				o.InitTimeout = 50 * time.Millisecond
			}
			_, err := load(t, r, c.m.Bytes()).NewPool(t.Context(), o)
			var init *InitError
			if !errors.As(err, &init) || init.Step != c.step || err.Error() != c.want {
				t.Fatalf("error is %v", err)
			}
			if strings.Contains(c.want, "unreachable") && init.Trap.Stack == "" {
				t.Error("there is no stack for the log")
			}
			if errors.Is(err, errHost) != strings.Contains(c.want, "host") {
				t.Errorf("errors.Is host error is %v", errors.Is(err, errHost))
			}
		})
	}
	// Data outside of memory shows only now.
	_, err := load(t, r, small().Data(1<<20, []byte("x")).Bytes()).NewPool(t.Context(), PoolOptions{Name: "user", Instances: 1})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "the module cannot be instantiated: data[0]: out of bounds") {
		t.Errorf("data out of bounds: %v", err)
	}
	if _, err := load(t, r, small().Bytes()).NewPool(t.Context(), PoolOptions{}); err == nil {
		t.Error("a pool of no instances was made")
	}
}

// A request's own deadline and end bound the instance made for it, and the pool
// goes on.
func TestInitialisationEndsWithTheRequest(t *testing.T) {
	m := wt.New()
	wait := m.Import("test", "wait", nil, nil)
	size := m.Import("test", "size", nil, wt.Type{wt.I32})
	_ = size
	m.Memory(1, -1)
	notReset(m)
	m.Export("wasmlane_init", wt.KindFunc, m.Func(nil, nil, nil, wt.Call(wait)))
	block := false
	r := newRuntime(t, Options{Imports: []Import{
		{Module: "test", Name: "wait", Call: func(ctx context.Context, _ []byte, _ []uint64) {
			if block {
				<-ctx.Done()
				panic(ctx.Err())
			}
		}},
		testImports()[1],
	}})
	p := newPool(t, load(t, r, m.Bytes()), PoolOptions{Instances: 2, InitTimeout: time.Minute})
	get(t, p)
	block = true
	if _, err := p.Get(t.Context(), time.Now().Add(30*time.Millisecond), false); err != context.DeadlineExceeded {
		t.Errorf("with a deadline: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	if _, err := p.Get(ctx, time.Time{}, false); err != context.Canceled {
		t.Errorf("with a context that ends: %v", err)
	}
	block = false
	if s := p.Stats(); s.InUse != 1 {
		t.Errorf("a failed Get keeps its slot: %+v", s)
	}
	get(t, p)
}

// A request that ends while the last step of initialisation returns.
func TestInitialisationEndsInTheLastMoment(t *testing.T) {
	m := wt.New()
	m.Import("test", "end", nil, nil)
	m.Memory(1, -1)
	notReset(m)
	m.Export("wasmlane_init", wt.KindFunc, m.Func(nil, nil, nil, wt.Call(0)))
	end := func() {}
	r := newRuntime(t, Options{Imports: []Import{
		{Module: "test", Name: "end", Call: func(context.Context, []byte, []uint64) { end() }},
	}})
	p := newPool(t, load(t, r, m.Bytes()), PoolOptions{Instances: 2})
	held := get(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	end = cancel
	if _, err := p.Get(ctx, time.Time{}, false); err != context.Canceled {
		t.Errorf("error is %v", err)
	}
	p.Put(held, Clean)
	p.check(t, Stats{Idle: 1, Created: 1})
}
