package sandbox

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// rotating is a pool of spoilers in which instances take turns already.
func rotating(t *testing.T, o PoolOptions) (*Pool, state) {
	t.Helper()
	r := newRuntime(t, Options{Imports: spoilImports()})
	if s := r.space; s.settled(s.now()) {
		t.Skip("here a reset does not ask about page faults: ", s)
	}
	o.Fresh, o.Memory = true, 4<<20
	p := newPool(t, load(t, r, spoiler().Bytes()), o)
	i := get(t, p)
	pristine := see(t, i)
	p.Put(i, Clean)
	p.mu.Lock()
	p.rotation.since = time.Now().Add(time.Hour) // as if always busy
	p.mu.Unlock()
	return p, pristine
}

// busy asks until the pool has as many instances as it wants, or nearly.
func busy(t *testing.T, p *Pool) {
	t.Helper()
	for range rotationMost * rotationMost * rotationAfter {
		p.mu.Lock()
		if !p.rotation.since.IsZero() {
			p.rotation.since = time.Now().Add(time.Hour)
		}
		p.mu.Unlock()
		p.Put(get(t, p), Clean)
	}
}

// A busy pool has a few instances take turns, and asks once for all of them.
func TestInstancesTakeTurns(t *testing.T) {
	p, pristine := rotating(t, PoolOptions{Instances: 8})
	busy(t, p)
	p.check(t, Stats{Idle: rotationMost, Created: rotationMost})
	clock := &p.code.runtime.space.(*mappedSpace).faults
	before := clock.begun.Load()
	const rounds = 400
	rng := rand.New(rand.NewPCG(9, 9))
	for range rounds {
		i := get(t, p)
		see(t, i).check(t, "the next request finds something", pristine)
		obey(t, i, randomOrders(rng, 12))
		p.Put(i, Clean)
	}
	// Memory that has grown is reset at once, which asks as well.
	if asked := clock.begun.Load() - before; asked > rounds*3/4 {
		t.Errorf("the kernel was asked %d times for %d requests", asked, rounds)
	}
	before = clock.begun.Load()
	for range rounds {
		p.Put(get(t, p), Clean)
	}
	if asked := clock.begun.Load() - before; asked > rounds/rotationMost+1 {
		t.Errorf("the kernel was asked %d times for %d requests", asked, rounds)
	}
	p.check(t, Stats{Idle: rotationMost, Created: rotationMost})
}

// The limit holds, a pool that is not busy has one instance, and so has one that
// can make no other.
func TestRotationIsBounded(t *testing.T) {
	p, _ := rotating(t, PoolOptions{Instances: 2})
	busy(t, p)
	p.check(t, Stats{Idle: 2, Created: 2})
	held := get(t, p)
	busy(t, p)
	p.check(t, Stats{InUse: 1, Idle: 1, Created: 2})
	p.Put(held, Clean)

	p, _ = rotating(t, PoolOptions{Instances: 8})
	p.mu.Lock()
	p.rotation.since = time.Now().Add(-time.Hour)
	p.mu.Unlock()
	for range rotationAfter {
		p.Put(get(t, p), Clean)
	}
	p.check(t, Stats{Idle: 1, Created: 1})

	p, _ = rotating(t, PoolOptions{Instances: 8})
	bound(t, p.code.runtime, mappingsOfRegion+mappingsOfImage)
	busy(t, p)
	p.check(t, Stats{Idle: 1, Created: 1})
	if !p.rotation.frozen {
		t.Error("the pool has not noticed that there are no more instances to be had")
	}
}

// Many at once, with instances that take turns: nobody finds what another one has
// written.
func TestSecretsDoNotLeakBetweenMany(t *testing.T) {
	p, pristine := rotating(t, PoolOptions{Instances: 8, Queue: time.Minute})
	rounds := 400
	if raceEnabled {
		rounds = 60
	}
	var all sync.WaitGroup
	for g := range uint64(12) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(g, 4))
			for range rounds {
				i := get(t, p)
				see(t, i).check(t, "the next request finds something", pristine)
				obey(t, i, randomOrders(rng, 8))
				p.Put(i, Clean)
			}
		})
	}
	all.Wait()
}
