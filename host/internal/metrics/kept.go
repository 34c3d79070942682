package metrics

import (
	"slices"
	"sync"
	"time"
)

// How long what no generation names any more is still written, so that what it
// counted last is scraped, and how many such values there may be: thousands of
// reloads in a minute must not pile them up.
const (
	keepFor  = 10 * time.Minute
	keepMost = 1000
)

// Kept holds counters by name across generations. Each generation takes those it
// needs, which are the same for the same name, and leaves them when it is retired.
// What nobody holds is dropped ten minutes later, and earlier when there are more
// than a thousand such, the longest unused ones first; docs/RATIONALE.md says why. It
// is safe for concurrent use.
type Kept[K comparable, V any] struct {
	make    func(K) V
	compare func(a, b K) int
	now     func() time.Time

	mu  sync.Mutex
	all map[K]*kept[V]
}

type kept[V any] struct {
	value V
	refs  int
	left  time.Time // when refs became 0
}

// NewKept returns an empty Kept. make is called for a name that is new, and
// compare says in which order Each goes.
func NewKept[K comparable, V any](make func(K) V, compare func(a, b K) int) *Kept[K, V] {
	return &Kept[K, V]{make: make, compare: compare, now: time.Now, all: map[K]*kept[V]{}}
}

// SetClock replaces time.Now, for tests.
func (k *Kept[K, V]) SetClock(now func() time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = now
}

// Take returns the value of a name. Leave must follow.
func (k *Kept[K, V]) Take(name K) V {
	k.mu.Lock()
	defer k.mu.Unlock()
	have := k.all[name]
	if have == nil {
		have = &kept[V]{value: k.make(name)}
		k.all[name] = have
	}
	have.refs++
	return have.value
}

// Leave gives back what one Take returned.
func (k *Kept[K, V]) Leave(name K) {
	k.mu.Lock()
	defer k.mu.Unlock()
	have := k.all[name]
	if have.refs--; have.refs == 0 {
		have.left = k.now()
	}
}

// Each calls f for every value there is, in order.
func (k *Kept[K, V]) Each(f func(name K, value V)) {
	k.mu.Lock()
	k.prune()
	names := make([]K, 0, len(k.all))
	values := make(map[K]V, len(k.all))
	for name, have := range k.all {
		names = append(names, name)
		values[name] = have.value
	}
	k.mu.Unlock()
	slices.SortFunc(names, k.compare)
	for _, name := range names {
		f(name, values[name])
	}
}

// Prune drops what nobody holds any more and has not for long.
func (k *Kept[K, V]) Prune() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.prune()
}

// prune is Prune with k.mu held.
func (k *Kept[K, V]) prune() {
	var gone []K
	now := k.now()
	for name, have := range k.all {
		switch {
		case have.refs > 0:
		case now.Sub(have.left) >= keepFor:
			delete(k.all, name)
		default:
			gone = append(gone, name)
		}
	}
	if len(gone) <= keepMost {
		return
	}
	slices.SortFunc(gone, func(a, b K) int { return k.all[a].left.Compare(k.all[b].left) })
	for _, name := range gone[:len(gone)-keepMost] {
		delete(k.all, name)
	}
}
