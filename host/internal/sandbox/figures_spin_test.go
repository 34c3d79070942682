package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The figures about guests that do not end, and the engine without this package.

// engine is a module in wazero alone.
type engine struct {
	t        testing.TB
	rt       wazero.Runtime
	compiled wazero.CompiledModule
	live     api.Function
	watched  bool
}

func newEngine(t testing.TB, wasm []byte, watched bool) *engine {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(features).WithCloseOnContextDone(watched))
	t.Cleanup(func() { rt.Close(ctx) })
	byModule := map[string]wazero.HostModuleBuilder{}
	for _, i := range append(answerImports(), testImports()...) {
		b := byModule[i.Module]
		if b == nil {
			b = rt.NewHostModuleBuilder(i.Module)
			byModule[i.Module] = b
		}
		var params, results []api.ValueType
		for _, p := range i.Params {
			params = append(params, api.ValueType(p))
		}
		if i.Result != 0 {
			results = []api.ValueType{api.ValueType(i.Result)}
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
			mem, _ := m.Memory().Read(0, m.Memory().Size())
			for k, p := range params {
				if p == api.ValueTypeI32 {
					stack[k] = uint64(uint32(stack[k]))
				}
			}
			i.Call(ctx, mem, stack)
		}), params, results).Export(i.Name)
	}
	for _, b := range byModule {
		if _, err := b.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	e := &engine{t: t, rt: rt, watched: watched}
	var err error
	if e.compiled, err = rt.CompileModule(ctx, wasm); err != nil {
		t.Fatal(err)
	}
	e.live = e.instance().ExportedFunction("answer")
	return e
}

func (e *engine) instance() api.Module {
	ctx := newProcess(context.Background()).ctx
	m, err := e.rt.InstantiateModule(ctx, e.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		e.t.Fatal(err)
	}
	return m
}

// call calls the handler of the live instance.
func (e *engine) call() { e.callOf(e.live) }

func (e *engine) callOf(f api.Function) {
	ctx := context.Background()
	if e.watched {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.Now().Add(time.Second))
		defer cancel()
	}
	if _, err := f.Call(ctx); err != nil {
		e.t.Fatal(err)
	}
}

// request serves one request with an instance of its own.
func (e *engine) request() {
	m := e.instance()
	e.callOf(m.ExportedFunction("answer"))
	if err := m.Close(context.Background()); err != nil {
		e.t.Fatal(err)
	}
}

// stopTimes measures how long after its deadline each endless guest ends.
func stopTimes(t *testing.T) []row {
	const rounds = 7
	r := newRuntime(t, Options{})
	m := load(t, r, endless().Bytes())
	p := newPool(t, m, PoolOptions{Instances: 2, Memory: 32 << 20, Fresh: true})
	late := map[string][]float64{}
	var all []float64
	for range rounds {
		for _, handler := range m.Info().Handlers {
			deadline := time.Now().Add(10 * time.Millisecond)
			trap(t, p, handler, deadline)
			ns := float64(time.Since(deadline).Nanoseconds())
			late[handler], all = append(late[handler], ns), append(all, ns)
		}
	}
	worst, name := 0.0, ""
	for handler, times := range late {
		if m := median(times); m > worst {
			worst, name = m, handler
		}
	}
	return []row{
		{"hostile guests, stopped after the deadline by", millis(median(all)), spread(all, millis), "≤ 10 ms"},
		{"hostile guests, the slowest to stop (" + name + ")", millis(worst), spread(late[name], millis), "≤ 10 ms"},
	}
}

func millis(ns float64) string { return fmt.Sprintf("%.2f ms", ns/1e6) }

// neighbours measures how long requests over the network take while another
// plugin spins on all of its instances.
func neighbours(t *testing.T, wasm []byte) []row {
	const spinners, rounds = 8, 3
	r := newRuntime(t, Options{Imports: append(answerImports(), testImports()...)})
	p := newPool(t, load(t, r, wasm), PoolOptions{Instances: 4, Fresh: true, Queue: time.Second})
	endlessWasm := endless().Bytes()
	spin := newPool(t, load(t, r, endlessWasm), PoolOptions{Instances: spinners, Memory: 32 << 20, Fresh: true})
	watched := newEngine(t, endlessWasm, true)
	address := serveAnswers(t, p)

	none := func(context.Context) {}
	ways := []struct {
		name string
		spin func(ctx context.Context)
	}{
		{"alone", none},
		{fmt.Sprintf("%d guests spin", spinners), func(ctx context.Context) {
			i := get(t, spin)
			err := i.Call(ctx, "computing", time.Time{})
			spin.Put(i, Failed)
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}},
		{fmt.Sprintf("%d guests spin in the engine alone, WithCloseOnContextDone", spinners), func(ctx context.Context) {
			m := watched.instance()
			_, _ = m.ExportedFunction("computing").Call(ctx) // ends with the context
			_ = m.Close(context.Background())
		}},
	}
	p50, p99 := make([][]float64, len(ways)), make([][]float64, len(ways))
	for range rounds {
		for k, w := range ways {
			ctx, cancel := context.WithCancel(context.Background())
			var done sync.WaitGroup
			for range spinners {
				done.Go(func() { w.spin(ctx) })
			}
			a, b := askFrom(t, address)
			cancel()
			done.Wait()
			p50[k], p99[k] = append(p50[k], a), append(p99[k], b)
		}
	}
	var rows []row
	for k, w := range ways {
		rows = append(rows, row{"neighbour over TCP, p50 / p99, " + w.name, millis(median(p50[k])) + " / " + millis(median(p99[k])), spread(p99[k], millis), ""})
	}
	rows[1].bar = "p99 ≤ " + millis(median(p99[0])+2e6)
	return rows
}

// serveAnswers serves one request for each byte that a connection sends.
func serveAnswers(t *testing.T, p *Pool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				ctx, b := context.Background(), make([]byte, 1)
				for {
					if _, err := c.Read(b); err != nil {
						return
					}
					served(t, p, ctx, "answer", time.Now().Add(time.Second))
					if _, err := c.Write(b); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// askFrom asks from a process of its own, whose scheduler is not in question.
func askFrom(t *testing.T, address string) (p50, p99 float64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFiguresClient$")
	cmd.Env = append(os.Environ(), "SANDBOX_FIGURES_ADDRESS="+address)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := fmt.Sscanf(string(out), "%g %g", &p50, &p99); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p50, p99
}

// TestFiguresClient is that process.
func TestFiguresClient(t *testing.T) {
	address := os.Getenv("SANDBOX_FIGURES_ADDRESS")
	if address == "" {
		t.Skip("it is run by TestFigures")
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	var times []float64
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		began := time.Now()
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := in.ReadByte(); err != nil {
			t.Fatal(err)
		}
		times = append(times, float64(time.Since(began).Nanoseconds()))
	}
	fmt.Println(strconv.FormatFloat(quantile(times, 0.5), 'g', -1, 64), strconv.FormatFloat(quantile(times, 0.99), 'g', -1, 64))
}
