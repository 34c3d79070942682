package host

import (
	"context"
	"errors"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// TestClose: it waits for the requests inside, and afterwards nothing is served.
func TestClose(t *testing.T) {
	r := embed(t, setup{keys: "plugin.a.store = \"a\"\nplugin.a.timeout = \"60s\"", guests: map[string]*guest{"a": gated()}, routes: "GET /health @health"})
	keyspace := r.store.Keyspace("a")
	held := r.later("/a/hold")
	r.inside("a", 1)
	closed := make(chan error, 1)
	go func() { closed <- r.Close() }()
	r.until("the host closing", func() bool { return r.Generation() == 0 })
	r.refused(r.get("/a/hold"), 503, "shutting down")
	r.refused(r.get("/health"), 503, "shutting down")
	select {
	case err := <-closed:
		t.Fatalf("Close returned %v with a request inside", err)
	default:
	}
	if err := keyspace.Set(context.Background(), []byte("go"), []byte("1")); err != nil {
		t.Fatalf("the store was closed under a request: %v", err)
	}
	if a := wait(t, held); a.body != "held" {
		t.Errorf("the request inside got %v", a)
	}
	if err := wait(t, closed); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := keyspace.Get(context.Background(), nil, []byte("go")); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("the store answers %v, want that it is closed", err)
	}
	for name, err := range map[string]error{
		"Close": r.Close(), "Reload": r.Reload(), "Run": r.Run(context.Background(), nil),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a closed host: %v", name, err)
		}
	}
	if len(r.Plugins()) != 0 || len(r.Routes()) != 0 || r.Generation() != 0 || r.notReady() != "closed" {
		t.Error("a closed host still tells of a generation")
	}
}
