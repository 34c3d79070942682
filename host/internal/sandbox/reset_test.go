package sandbox

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// forEachSpoiled runs a test with a pool of spoilers, for every way to reset.
func forEachSpoiled(t *testing.T, o PoolOptions, f func(t *testing.T, p *Pool, pristine state)) {
	for _, mode := range []ResetMode{ResetByScan, ResetByTable, ResetByCopy} {
		t.Run(string(mode), func(t *testing.T) {
			r := newRuntime(t, Options{Reset: here(t, mode), Imports: spoilImports()})
			o.Fresh = true
			p := newPool(t, load(t, r, spoiler().Bytes()), o)
			i := get(t, p)
			pristine := see(t, i)
			p.Put(i, Clean)
			if pristine.globals[0] != 7 || pristine.globals[4] != 0x0909090909090909 || pristine.memory[100:109] != "some data" {
				t.Fatalf("the image is wrong: %x, %q", pristine.globals, pristine.memory[100:109])
			}
			f(t, p, pristine)
		})
	}
}

// What one request writes, anywhere, the next one does not find.
func TestSecretsDoNotLeak(t *testing.T) {
	rounds := 10_000
	if testing.Short() || raceEnabled {
		rounds = 500
	}
	forEachSpoiled(t, PoolOptions{Memory: 4 << 20}, func(t *testing.T, p *Pool, pristine state) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range rounds {
			i := get(t, p)
			see(t, i).check(t, "the next request finds something", pristine)
			obey(t, i, randomOrders(rng, 12))
			p.Put(i, Clean)
		}
		p.check(t, Stats{Idle: 1, Created: 1})
	})
}

// More is written than an idle instance may keep.
func TestResidentBudget(t *testing.T) {
	for _, resident := range []int{1, 4 << 10, 20 << 10} {
		forEachSpoiled(t, PoolOptions{Resident: resident, Memory: 4 << 20}, func(t *testing.T, p *Pool, pristine state) {
			rng := rand.New(rand.NewPCG(3, 4))
			for range 200 {
				i := get(t, p)
				if n := residentOf(t, i); n > max(resident, 0) {
					t.Fatalf("%d bytes are resident, the budget is %d", n, resident)
				}
				see(t, i).check(t, "the next request finds something", pristine)
				obey(t, i, randomOrders(rng, 40))
				p.Put(i, Clean)
			}
		})
	}
}

// Memory that has grown is small again: its size, its end, and zero when it grows
// anew.
func TestMemoryShrinks(t *testing.T) {
	forEachSpoiled(t, PoolOptions{}, func(t *testing.T, p *Pool, pristine state) {
		for range 3 {
			i := get(t, p)
			got := obey(t, i, []int64{
				spoil(spoilGrow, 0, 3), spoil(spoilStore, 5*pageSize+17, 9), spoil(spoilGrow, 0, 5), spoil(spoilGrow, 0, 1),
			})
			if !slices.Equal(got, []uint64{4, 7, 1<<32 - 1}) {
				t.Errorf("memory.grow answered %v", got)
			}
			if i.memory.buf[5*pageSize+17] != 9 || len(i.memory.buf) != spoilMost*pageSize {
				t.Error("the memory has not grown")
			}
			p.Put(i, Clean)
			i = get(t, p)
			o := &orders{}
			if err := i.Call(o.context(), "look", time.Time{}); err != nil || !slices.Equal(o.all(), []uint64{spoilPages}) {
				t.Errorf("memory.size is %v, %v", o.all(), err)
			}
			obey(t, i, []int64{spoil(spoilGrow, 0, 8)})
			if !zero(i.memory.buf[spoilPages*pageSize:]) {
				t.Error("grown pages are not zero")
			}
			p.Put(i, Clean)
			i = get(t, p)
			var got2 *Trap
			if err := i.Call(t.Context(), "beyond", time.Time{}); !errors.As(err, &got2) || got2.Reason != "out of bounds memory access" {
				t.Errorf("a store behind the end: %v", err)
			}
			p.Put(i, Clean) // it trapped, whatever is said of it
			i = get(t, p)
			see(t, i).check(t, "after a trap", pristine)
			p.Put(i, Clean)
		}
		p.check(t, Stats{Idle: 1, Created: 4, Discarded: 3})
	})
}

// The same orders lead to the same state and answers: in the engine alone, in a
// new instance, and in one that other requests have used.
func TestDifferential(t *testing.T) {
	rounds := 150
	if raceEnabled {
		rounds = 15
	}
	forEachSpoiled(t, PoolOptions{Instances: 2}, func(t *testing.T, p *Pool, pristine state) {
		rng := rand.New(rand.NewPCG(5, 6))
		for range rounds {
			list := randomOrders(rng, 30)
			want, notes := plain(t, list)
			used, young := get(t, p), get(t, p)
			for range 3 { // other requests
				obey(t, used, randomOrders(rng, 30))
				if !used.reset(1 << 20) {
					t.Fatal("it cannot be reset")
				}
			}
			for what, i := range map[string]*Instance{"used": used, "young": young} {
				if got := obey(t, i, list); !slices.Equal(got, notes) {
					t.Errorf("%s: notes are %v, want %v", what, got, notes)
				}
				see(t, i).check(t, what, want)
			}
			p.Put(used, Clean)
			p.Put(young, Failed) // another one next time
		}
	})
}

// What cannot be reset is new each time, and says why.
func TestModulesThatCannotBeReset(t *testing.T) {
	base := func() (*wt.Module, uint32) {
		m := wt.New()
		note := m.Import("test", "note", wt.Type{wt.I32}, nil)
		m.Memory(1, -1).Table(2, -1)
		return m, note
	}
	null := []byte{0xd0, wt.Funcref}
	for name, c := range map[string]struct {
		why   string
		build func() *wt.Module
		want  uint64 // the answer of each request
	}{
		"table.grow": {"tables", func() *wt.Module {
			m, note := base()
			m.Handler("do", null, wt.I32Const(1), wt.TableGrow(0), wt.Call(note))
			return m
		}, 2},
		"table.set": {"tables", func() *wt.Module {
			m, note := base()
			// Is it null? Then it is set.
			m.Handler("do", wt.I32Const(0), []byte{0x25, 0}, wt.Op(0xd1), wt.Call(note),
				wt.I32Const(0), []byte{0xd2, 1}, []byte{0x26, 0})
			m.Elements(1, 1)
			return m
		}, 1},
		"a reference in a global": {"global", func() *wt.Module {
			m, note := base()
			g := m.Global(wt.Funcref, true, null)
			m.Handler("do", wt.GlobalGet(g), wt.Op(0xd1), wt.Call(note), []byte{0xd2, 1}, wt.GlobalSet(g))
			m.Elements(1, 1)
			return m
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var log logs
			r := newRuntime(t, Options{})
			wasm := c.build().Bytes()
			module := load(t, r, wasm)
			if info := module.Info(); !containsFold(info.NoReset, c.why) {
				t.Errorf("Info says %q", info.NoReset)
			}
			if info, err := Inspect(t.Context(), wasm, nil); err != nil || info.NoReset != module.Info().NoReset {
				t.Errorf("Inspect says %q, %v", info.NoReset, err)
			}
			p := newPool(t, module, PoolOptions{Fresh: true, Log: log.logger()})
			for range 3 {
				if got := answers(t, p, "do"); !slices.Equal(got, []uint64{c.want}) {
					t.Errorf("an earlier request shows: %v", got)
				}
			}
			p.check(t, Stats{Created: 3, Discarded: 3})
			if !containsFold(log.String(), c.why) || !containsFold(log.String(), "level=WARN") {
				t.Errorf("log is\n%s", &log)
			}
			// Isolation "instance" asks for no reset.
			kept := newPool(t, module, PoolOptions{})
			answers(t, kept, "do")
			if got := answers(t, kept, "do"); slices.Equal(got, []uint64{c.want}) {
				t.Errorf("the instance was not kept: %v", got)
			}
		})
	}
}

func TestUnknownResetMode(t *testing.T) {
	if r, err := New(t.Context(), Options{Reset: "magic"}); err == nil {
		r.Close()
		t.Error("it was made")
	}
}

// FuzzReset spoils an instance as the input says, and looks at it after a reset.
// Input is read nine bytes at a time, an order each.
func FuzzReset(f *testing.F) {
	f.Add([]byte{spoilStore, 1, 2, 3, 0, 77, spoilGrow, 0, 0, 0, 0, 2, spoilFill, 0, 0, 1, 0, 200})
	f.Add([]byte{spoilGlobals, 1, 2, 3, 4, 5})
	var pools []*Pool
	var pristine []state
	for _, mode := range []ResetMode{ResetByScan, ResetByTable, ResetByCopy} {
		r, err := New(f.Context(), Options{Reset: mode, Imports: spoilImports()})
		if err != nil {
			continue // not on this system
		}
		f.Cleanup(r.Close)
		// Reset when they are put back, and before they serve again.
		for _, resident := range []int{64 << 10, 1 << 20} {
			p := newPool(f, load(f, r, spoiler().Bytes()), PoolOptions{Fresh: true, Resident: resident})
			i := get(f, p)
			pristine = append(pristine, see(f, i))
			p.Put(i, Clean)
			pools = append(pools, p)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var list []int64
		for ; len(input) >= 6 && len(list) < 1000; input = input[6:] {
			address := uint32(input[1]) | uint32(input[2])<<8 | uint32(input[3])<<16 | uint32(input[4]&1)<<24
			list = append(list, spoil(1+int(input[0])%(spoilKinds-1), address, input[5]))
		}
		for k, p := range pools {
			i := get(t, p)
			o := &orders{list: list}
			outcome := Clean
			if err := i.Call(o.context(), "spoil", time.Now().Add(patience)); err != nil {
				outcome = Failed
			}
			p.Put(i, outcome)
			i = get(t, p)
			see(t, i).check(t, p.code.runtime.space.String(), pristine[k])
			p.Put(i, Clean)
		}
	})
}
