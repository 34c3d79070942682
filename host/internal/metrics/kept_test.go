package metrics

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// names lists what is kept, and checks that it comes in order.
func names(t *testing.T, k *Kept[int, *int]) (list []int) {
	t.Helper()
	k.Each(func(name int, value *int) {
		if len(list) > 0 && list[len(list)-1] >= name {
			t.Errorf("%d after %d", name, list[len(list)-1])
		}
		list = append(list, name)
	})
	return list
}

func newKept(now *time.Time) *Kept[int, *int] {
	k := NewKept(func(int) *int { return new(int) }, cmp.Compare[int])
	k.SetClock(func() time.Time { return *now })
	return k
}

// The same name is the same counter, as long as it is written.
func TestKept(t *testing.T) {
	now := time.Unix(0, 0)
	k := newKept(&now)
	a := k.Take(1)
	*a = 7
	if k.Take(1) != a || k.Take(2) == a {
		t.Error("names are mixed up")
	}
	k.Leave(1)
	now = now.Add(2 * keepFor)
	if got := fmt.Sprint(names(t, k)); got != "[1 2]" {
		t.Errorf("with a holder left: %s", got)
	}
	k.Leave(1)
	now = now.Add(keepFor - 1)
	if got := fmt.Sprint(names(t, k)); got != "[1 2]" {
		t.Errorf("just gone: %s", got)
	}
	if k.Take(1) != a {
		t.Error("what came back in time began anew")
	}
	k.Leave(1)
	now = now.Add(keepFor)
	if got := fmt.Sprint(names(t, k)); got != "[2]" {
		t.Errorf("long gone: %s", got)
	}
	if b := k.Take(1); b == a || *b != 0 {
		t.Error("what came back late goes on")
	}
}

// Thousands of reloads, each with a name of its own, pile nothing up, and what is
// in use is never dropped.
func TestKeptIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	k := newKept(&now)
	stays := k.Take(-1)
	for i := range 10 * keepMost {
		now = now.Add(time.Millisecond)
		k.Take(i)
		if i > 0 {
			k.Leave(i - 1)
		}
		if i%10 == 0 {
			k.Prune()
		}
	}
	list := names(t, k)
	if len(list) > keepMost+2 || list[0] != -1 || list[len(list)-1] != 10*keepMost-1 || list[len(list)-2] != 10*keepMost-2 {
		t.Errorf("%d are kept, from %v to %v", len(list), list[:3], list[len(list)-3:])
	}
	if k.Take(-1) != stays {
		t.Error("one in use was dropped")
	}
	now = now.Add(keepFor)
	if n := len(names(t, k)); n != 2 {
		t.Errorf("%d are kept after a while", n)
	}
}

func TestKeptConcurrent(t *testing.T) {
	k := NewKept(func(string) *Route { return NewRoute(RouteName{}) }, strings.Compare)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 500 {
				name := fmt.Sprint((n + i) % 10)
				k.Take(name).Count([]byte("GET"), 200, 0)
				k.Each(func(string, *Route) {})
				k.Leave(name)
			}
		})
	}
	wg.Wait()
	text := new(Text)
	k.Each(func(_ string, r *Route) { r.WriteCounts(text, "n") })
	if n := strings.Count(string(text.Bytes()), "2xx\"} 200\n"); n != 10 {
		t.Errorf("counts were lost:\n%s", text.Bytes())
	}
}
