package sandbox

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

func TestInfo(t *testing.T) {
	m := wt.New()
	m.Import("env", "anything", wt.Type{wt.I32}, nil)
	m.Import("test", "note", wt.Type{wt.I32}, nil)
	m.Memory(2, 16)
	m.Handler("list_users")
	m.Handler("get_user")
	m.Export("_initialize", wt.KindFunc, 2).Export("wasmlane_init", wt.KindFunc, 2)
	m.Export("Upper", wt.KindFunc, 2).Export("_private", wt.KindFunc, 2)
	m.Export("malloc", wt.KindFunc, m.Func(wt.Type{wt.I32}, wt.Type{wt.I32}, nil, wt.LocalGet(0)))
	m.Export("both", wt.KindFunc, m.Func(nil, wt.Type{wt.I64, wt.F64}, nil, wt.Unreachable()))
	m.Export("table", wt.KindTable, 0).Table(1, -1)
	wasm := m.Producers("language", "Go", "go1.26", "processed-by", "cmd/compile", "go1.26", "sdk", "x", "").Bytes()

	got, err := Inspect(t.Context(), wasm, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.SHA256) != 64 {
		t.Errorf("SHA256 is %q", got.SHA256)
	}
	if got.Refused == nil || !strings.Contains(got.Refused.Error(), "env.anything") {
		t.Errorf("Refused is %v", got.Refused)
	}
	got.SHA256, got.Refused = "", nil
	want := &Info{
		Size:     len(wasm),
		Handlers: []string{"get_user", "list_users"},
		BadHandlers: []BadHandler{
			{"both", "() -> (i64, f64)"}, {"malloc", "(i32) -> i32"}, {"table", "table"},
		},
		Imports:       []ImportName{{"env", "anything"}, {"test", "note"}},
		MemoryMin:     128 << 10,
		MemoryMax:     1 << 20,
		HasInitialize: true, HasInit: true,
		Language:  "Go go1.26",
		Producers: "language: Go go1.26; processed-by: cmd/compile go1.26; sdk: x",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%+v\nwant\n\t%+v", got, want)
	}

	// Nothing declared.
	got, err = Inspect(t.Context(), wt.New().Bytes(), nil)
	if err != nil || got.MemoryMax != 0 || got.Language != "" || got.Handlers != nil {
		t.Errorf("an empty module: %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Inspect(ctx, wasm, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0B", 1023: "1023B", 64 << 10: "64KiB", 1<<20 + 1<<10: "1025KiB", 16 << 20: "16MiB", 4 << 30: "4GiB",
	} {
		if got := formatSize(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
