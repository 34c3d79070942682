package sandbox

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

func TestSameBytesAreCompiledOnce(t *testing.T) {
	var log logs
	r := newRuntime(t, Options{Log: log.logger()})
	wasm := counter().Bytes()
	var modules [8]*Module
	var done sync.WaitGroup
	for k := range modules {
		done.Go(func() {
			m, err := r.Load(context.Background(), "guest", wasm)
			if err != nil {
				t.Error(err)
			}
			modules[k] = m
		})
	}
	done.Wait()
	for _, m := range modules[1:] {
		if m.code != modules[0].code {
			t.Fatal("compiled twice")
		}
	}
	p := newPool(t, modules[0], PoolOptions{})
	for _, m := range modules {
		m.Release()
		m.Release() // does nothing
	}
	// The instance holds the code.
	if len(r.codes) != 1 {
		t.Errorf("%d modules are known, want 1", len(r.codes))
	}
	answers(t, p, "count")
	p.Close()
	if len(r.codes) != 0 {
		t.Errorf("%d modules are known, want none", len(r.codes))
	}
	// And again from the start, also after a refusal.
	for range 2 {
		m := load(t, r, wasm)
		answers(t, newPool(t, m, PoolOptions{}), "count")
	}
	for range 2 {
		if _, err := r.Load(t.Context(), "guest", wasm[:20]); !errors.Is(err, ErrTruncated) {
			t.Error(err)
		}
	}
}

func TestTwoRuntimes(t *testing.T) {
	a, b := newRuntime(t, Options{}), newRuntime(t, Options{})
	pa := newPool(t, load(t, a, counter().Bytes()), PoolOptions{})
	pb := newPool(t, load(t, b, counter().Bytes()), PoolOptions{})
	if got := answers(t, pa, "count"); got[0] != 1 {
		t.Errorf("a counted %v", got)
	}
	if got := answers(t, pb, "count"); got[0] != 1 {
		t.Errorf("b counted %v: it shares memory with a", got)
	}
	pa.Close()
	a.Close()
	if got := answers(t, pb, "count"); got[0] != 2 {
		t.Errorf("b counted %v after a was closed", got)
	}
}

// A Runtime that is closed under a running guest closes the engine after it.
func TestCloseWhileInUse(t *testing.T) {
	m := wt.New()
	wait := m.Import("test", "wait", nil, nil)
	m.Memory(1, -1)
	m.Handler("wait", wt.Call(wait))
	m.Handler("grow", wt.I32Const(1), wt.MemoryGrow(), wt.Drop())
	r := newRuntime(t, Options{})
	module := load(t, r, m.Bytes())
	p := newPool(t, module, PoolOptions{Instances: 2})
	i := get(t, p)
	r.Close()
	r.Close()
	if err := i.Call(t.Context(), "grow", time.Time{}); err != nil {
		t.Error(err)
	}
	if _, err := r.Load(t.Context(), "guest", m.Bytes()); err != ErrClosed {
		t.Errorf("Load answers %v", err)
	}
	if _, err := p.Get(t.Context(), time.Time{}, false); err != ErrClosed {
		t.Errorf("Get answers %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	var trap *Trap
	if err := i.Call(ctx, "wait", time.Time{}); !errors.As(err, &trap) || trap.Kind != Canceled {
		t.Errorf("the call ended with %v", err)
	}
	module.Release()
	p.Put(i, Failed)
	p.Close()
	if r.users != 0 || len(r.codes) != 0 {
		t.Errorf("%d users and %d modules are left", r.users, len(r.codes))
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	r := newRuntime(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Load(ctx, "guest", counter().Bytes()); err != context.Canceled {
		t.Errorf("error is %v", err)
	}
	if len(r.codes) != 0 {
		t.Error("something was compiled")
	}
}

// Modules that each caller would compile alone, all at once, and let go.
func TestHammerLoads(t *testing.T) {
	r := newRuntime(t, Options{CacheDir: t.TempDir()})
	var wasm [4][]byte
	for k := range wasm {
		wasm[k] = counter().Custom("n", []byte{byte(k)}).Bytes()
	}
	var done sync.WaitGroup
	for g := range 8 {
		done.Go(func() {
			for n := range 20 {
				m, err := r.Load(context.Background(), "guest", wasm[(g+n)%len(wasm)])
				if err != nil {
					t.Error(err)
					return
				}
				p, err := m.NewPool(context.Background(), PoolOptions{Instances: 1})
				if err != nil {
					t.Error(err)
				} else {
					p.Close()
				}
				m.Release()
			}
		})
	}
	done.Wait()
	if len(r.codes) != 0 || r.users != 1 {
		t.Errorf("%d modules and %d users are left", len(r.codes), r.users)
	}
}
