package upstream

import (
	"context"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// TestInTurn: targets that have the same to do are asked in turn.
func TestInTurn(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).of("http://a", "http://b", "http://c")
	for range 6 {
		do(v, "GET").succeeded(t, 200)
	}
	if got := f.took(); got != "http://a http://b http://c http://a http://b http://c" {
		t.Error(got)
	}
}

// TestLeastOutstanding: a call goes where the fewest are.
func TestLeastOutstanding(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).of("http://a", "http://b", "http://c")
	a, b := find(t, v, "http://a"), find(t, v, "http://b")
	a.outstanding.Store(3)
	b.outstanding.Store(1)
	for range 4 {
		do(v, "GET").succeeded(t, 200)
	}
	if got := f.took(); got != "http://c http://c http://c http://c" {
		t.Error(got)
	}
	find(t, v, "http://c").outstanding.Store(2)
	do(v, "GET").succeeded(t, 200)
	if got := f.took(); got != "http://b" {
		t.Error(got)
	}
	for _, e := range v.list.Load().entries {
		e.outstanding.Store(0)
	}
}

// listed makes a list without a set.
func listed(records ...record) *list {
	l := &list{service: "user"}
	set := NewSet(Options{Client: new(fake)})
	for _, r := range records {
		t := &Target{set: set, origin: r.origin, name: r.origin, counts: new(Counts)}
		l.entries = append(l.entries, entry{Target: t, health: new(health), priority: r.priority, weight: r.weight})
	}
	l.sort()
	return l
}

// TestWeights: while nobody waits, chance follows the weights, and under load the
// shares do.
func TestWeights(t *testing.T) {
	for name, c := range map[string]struct {
		weights []uint16
		want    []float64
		keep    int // calls that stay outstanding
	}{
		"idle":         {[]uint16{30, 10}, []float64{0.75, 0.25}, 0},
		"idle, zero":   {[]uint16{1, 0}, []float64{16. / 17, 1. / 17}, 0},
		"idle, zeros":  {[]uint16{0, 0}, []float64{0.5, 0.5}, 0},
		"busy":         {[]uint16{30, 10}, []float64{0.75, 0.25}, 4000},
		"busy, three":  {[]uint16{65535, 65535, 1}, []float64{0.5, 0.5, 0}, 4000},
		"idle, single": {[]uint16{7}, []float64{1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var records []record
			for i, w := range c.weights {
				records = append(records, record{string(rune('a' + i)), 0, w})
			}
			l := listed(records...)
			got := map[string]float64{}
			const calls = 4000
			var next atomic.Uint32
			for range calls {
				target, trial, err := l.pick(nil, &next, math.MaxInt32)
				if err != nil || trial {
					t.Fatal(trial, err)
				}
				got[target.origin] += 1. / calls
				if c.keep == 0 {
					target.outstanding.Add(-1)
				}
			}
			for i, want := range c.want {
				if share := got[records[i].origin]; math.Abs(share-want) > 0.05 {
					t.Errorf("the shares are %v, want %v", got, c.want)
				}
			}
		})
	}
}

// TestPriority: a higher number is for when the lower ones are out or full.
func TestPriority(t *testing.T) {
	l := listed(record{"backup", 20, 100}, record{"one", 10, 1}, record{"two", 10, 1})
	var next atomic.Uint32
	take := func(tried ...*Target) string {
		target, _, err := l.pick(tried, &next, 2)
		if err != nil {
			return err.Error()
		}
		return target.origin
	}
	// Equal ones in turn, then full, then the backup, then nobody.
	got := strings.Join([]string{take(), take(), take(), take(), take(), take()}, " ")
	if got != "one two one two backup backup" && got != "one two two one backup backup" {
		t.Error(got)
	}
	if got := take(); !strings.Contains(got, "max_outstanding = 2") {
		t.Error(got)
	}
	for i := range l.entries {
		l.entries[i].outstanding.Store(0)
	}
	l.entries[0].health.sick.Store(true)
	if got := take() + take(); got != "twotwo" {
		t.Error(got)
	}
	if got := take(l.entries[1].Target); got != "backup" {
		t.Error(got)
	}
}

// TestNoTargets says why.
func TestNoTargets(t *testing.T) {
	l := &list{service: "user", why: "nobody knows"}
	_, _, err := l.pick(nil, new(atomic.Uint32), 1)
	result{err: err}.failed(t, call.ErrUnavailable, "service user has no targets: nobody knows")
}

// BenchmarkDo is what the choice and its bookkeeping cost a call.
func BenchmarkDo(b *testing.B) {
	for name, targets := range map[string][]string{
		"1":  {"http://a"},
		"3":  {"http://a", "http://b", "http://c"},
		"16": strings.Fields(strings.Repeat("http://x", 16)),
	} {
		b.Run(name, func(b *testing.B) {
			for i := range targets {
				targets[i] += string(rune('a' + i))
			}
			v := NewSet(Options{Client: nothing{}}).Take(Settings{Name: "user", Targets: targets, Retries: 1, MaxOutstanding: 100})
			defer v.Leave()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			req, resp := newRequest("GET"), newResponse()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Do(ctx, req, resp); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestAllocs: a call costs no memory beyond what it is sent with.
func TestAllocs(t *testing.T) {
	v := NewSet(Options{Client: nothing{}}).Take(Settings{Name: "user", Targets: []string{"http://a", "http://b"}, Retries: 1, MaxOutstanding: 100})
	defer v.Leave()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, resp := newRequest("GET"), newResponse()
	if n := testing.AllocsPerRun(1000, func() { _, _ = v.Do(ctx, req, resp) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
