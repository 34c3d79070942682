package sandbox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// A guest in Go on this host's WASI. The test brings the two packages together
// the way the host does; neither imports the other.

// process is the environment of one call.
type process struct {
	ctx    context.Context
	mu     sync.Mutex
	output [3]strings.Builder
}

type processKey struct{}

func newProcess(ctx context.Context) *process {
	p := &process{}
	p.ctx = context.WithValue(ctx, processKey{}, p)
	return p
}

// env is a process during one host call, with the call's deadline.
type env struct {
	*process
	ctx context.Context
}

func (env) Args() wasi.Strings    { return wasi.Strings{} }
func (env) Environ() wasi.Strings { return wasi.Strings{} }
func (env) Command() bool         { return false }
func (env) Input([]byte) int      { return 0 }
func (env) Unread() int           { return 0 }

func (e env) Output(fd int, b []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.output[fd].Write(b)
	return nil
}

func (e env) Sleep(until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
}

func (p *process) out() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output[1].String()
}

func wasiImports() []Import {
	var list []Import
	for _, f := range wasi.Functions() {
		i := Import{Module: wasi.Module, Name: f.Name, Result: abi.Type(f.Result)}
		for _, p := range f.Params {
			i.Params = append(i.Params, abi.Type(p))
		}
		i.Call = func(ctx context.Context, mem []byte, stack []uint64) {
			p, _ := ctx.Value(processKey{}).(*process)
			f.Call(env{p, ctx}, mem, stack)
		}
		list = append(list, i)
	}
	return list
}

// buildGo builds a guest in testdata.
func buildGo(t testing.TB, name string) []byte {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the go command is missing; install Go from https://go.dev/dl")
		}
		t.Skip("the go command is missing; install Go from https://go.dev/dl")
	}
	file := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command(goTool, "build", "-buildmode=c-shared", "-o", file, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// goPool is a pool option for Go guests, whose initialisation writes nothing.
func goOptions(o PoolOptions) PoolOptions {
	o.Memory, o.InitTimeout = 32<<20, time.Minute
	o.InitContext = func(ctx context.Context) context.Context { return newProcess(ctx).ctx }
	return o
}

func TestGoGuest(t *testing.T) {
	wasm := buildGo(t, "goguest")
	r := newRuntime(t, Options{Imports: wasiImports()})
	m := load(t, r, wasm)
	info := m.Info()
	if info.Language != "Go" && !strings.HasPrefix(info.Language, "Go ") || !info.HasInitialize || len(info.Handlers) < 10 {
		t.Errorf("info is %+v", info)
	}
	reused := newPool(t, m, goOptions(PoolOptions{Instances: 2}))
	run := func(handler string, deadline time.Time) (string, string, error) {
		ctx := context.Background()
		if !deadline.IsZero() { // what waits looks at the time itself
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline)
			defer cancel()
		}
		p := newProcess(ctx)
		err := once(p.ctx, t, reused, handler, deadline)
		return p.output[1].String(), p.output[2].String(), err
	}
	for handler, want := range map[string]string{
		"nothing":      `^$`,
		"say":          `^to stdout\n$`,
		"nap":          `^true true\n$`,
		"goroutines":   `^1225\n$`,
		"random":       `^[0-9a-f]{32} [0-9a-f]+\n$`,
		"surroundings": `^0 0 true\nopen /etc/passwd: (Bad file number|.*)\nopen file: .*\n<nil>\nstill there\n$`,
	} {
		if out, _, err := run(handler, time.Time{}); err != nil || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s wrote %q and ended with %v, want %s", handler, out, err, want)
		}
	}
	if _, out, _ := run("say", time.Time{}); out != "to stderr\n" {
		t.Errorf("stderr got %q", out)
	}
	a, _, _ := run("random", time.Time{})
	if b, _, _ := run("random", time.Time{}); a == b {
		t.Errorf("random bytes repeat: %q", a)
	}
	if out, _, err := run("clock", time.Time{}); err != nil || !closeTo(out) {
		t.Errorf("the clock shows %q, %v", out, err)
	}

	// What an exit or a panic of Go comes to. The runtime of a library crashes
	// after it has written what was wrong.
	for handler, want := range map[string]struct{ reason, stderr string }{
		"exit":     {"the guest called proc_exit(3)", ""},
		"fail":     {"unreachable", "panic: something is wrong"},
		"null":     {"unreachable", "nil pointer dereference"},
		"deadlock": {"unreachable", "all goroutines are asleep - deadlock!"},
		"fill":     {"unreachable", "out of memory"},
	} {
		_, stderr, err := run(handler, time.Time{})
		var trap *Trap
		if !errors.As(err, &trap) || trap.Kind != Trapped || trap.Reason != want.reason {
			t.Errorf("%s ended with %v, want %s", handler, err, want.reason)
			continue
		}
		var exit wasi.ExitError
		if errors.As(err, &exit) != (handler == "exit") {
			t.Errorf("%s: exit code is %d", handler, exit.Code)
		}
		if !strings.Contains(stderr, want.stderr) {
			t.Errorf("%s wrote %q, want %q in it", handler, stderr, want.stderr)
		}
		if handler == "exit" && !strings.Contains(trap.Stack, "main.exit") {
			t.Errorf("%s: its name is not in the stack:\n%s", handler, trap.Stack)
		}
	}
	for _, handler := range []string{"spin", "long_nap"} {
		_, _, err := run(handler, time.Now().Add(100*time.Millisecond))
		var trap *Trap
		if !errors.As(err, &trap) || trap.Kind != Deadline {
			t.Errorf("%s ended with %v, want the deadline", handler, err)
		}
	}

	// Pristine memory or not.
	fresh := newPool(t, m, goOptions(PoolOptions{Instances: 2, Fresh: true}))
	for n := range 3 {
		p := newProcess(context.Background())
		if err := once(p.ctx, t, fresh, "count", time.Time{}); err != nil || p.out() != "1\n" {
			t.Errorf("fresh, request %d: %q, %v", n, p.out(), err)
		}
		if out, _, err := run("count", time.Time{}); err != nil || n > 0 && out == "1\n" {
			t.Errorf("reused, request %d: %q, %v", n, out, err)
		}
	}
}

// closeTo checks the guest's time against the host's.
func closeTo(out string) bool {
	fields := strings.Fields(out)
	if len(fields) != 3 || fields[2] != "true" {
		return false
	}
	ms, err := strconv.ParseInt(fields[0], 10, 64)
	return err == nil && time.Since(time.UnixMilli(ms)).Abs() < time.Minute
}

// The types of all WASI functions are those that another host has.
func TestWASISignatures(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	c, err := wasi_snapshot_preview1.NewBuilder(r).Compile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	signature := func(params, results []api.ValueType) string { return string(params) + ":" + string(results) }
	theirs := map[string]string{}
	for name, f := range c.ExportedFunctions() {
		theirs[name] = signature(f.ParamTypes(), f.ResultTypes())
	}
	for _, f := range wasi.Functions() {
		var params, results []api.ValueType
		for _, p := range f.Params {
			params = append(params, api.ValueType(p))
		}
		if f.Result != 0 {
			results = []api.ValueType{api.ValueType(f.Result)}
		}
		if theirs[f.Name] != signature(params, results) {
			t.Errorf("%s has another type", f.Name)
		}
		delete(theirs, f.Name)
	}
	for name := range theirs {
		t.Errorf("%s is missing", name)
	}
}
