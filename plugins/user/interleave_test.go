package main

import (
	"math/rand/v2"
	"runtime"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// interleave runs operations at the same time, in one order of their steps in the
// store. Each stops before every step; choose says, of n that wait, which one goes
// on. A choice of n or more ends one there, as the end of its instance would; it
// is offered while mayCut.
func interleave(t *testing.T, env *lanetest.Env, mayCut bool, choose func(n int) int, operations ...func()) (cut bool) {
	t.Helper()
	arrived := make(chan chan bool) // an operation is before a step; true lets it go on
	ended := make(chan struct{})
	env.OnKV = func(string, string) error {
		goOn := make(chan bool)
		arrived <- goOn
		if !<-goOn {
			runtime.Goexit()
		}
		return nil
	}
	defer func() { env.OnKV = nil }()
	lanetest.Get("/").In(env).Do(t, func() {
		var waiting []chan bool
		next := func() {
			select {
			case w := <-arrived:
				waiting = append(waiting, w)
			case <-ended:
			}
		}
		for _, operation := range operations {
			go func() {
				defer func() { ended <- struct{}{} }()
				operation()
			}()
			next()
		}
		for len(waiting) > 0 {
			n := len(waiting)
			choices := n
			if mayCut && !cut {
				choices = 2 * n
			}
			pick := choose(choices)
			w := waiting[pick%n]
			waiting = append(waiting[:pick%n:pick%n], waiting[pick%n+1:]...)
			w <- pick < n
			cut = cut || pick >= n
			next()
		}
	})
	return cut
}

// explore calls run with every sequence of choices there is, if there are no more
// than limit, else with limit of them chosen at random.
func explore(limit int, run func(choose func(n int) int)) {
	type choice struct{ pick, of int }
	var path []choice
	for range limit {
		depth := 0
		run(func(n int) int {
			if depth == len(path) {
				path = append(path, choice{0, n})
			}
			depth++
			return path[depth-1].pick
		})
		for len(path) > 0 && path[len(path)-1].pick+1 == path[len(path)-1].of {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return
		}
		path[len(path)-1].pick++
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range limit {
		run(random.IntN)
	}
}

// within runs f where the store can be used, outside of any interleaving.
func within(t *testing.T, env *lanetest.Env, f func()) {
	t.Helper()
	lanetest.Get("/").In(env).Do(t, func() {
		wasmlane.Handle(func(*wasmlane.Response, *wasmlane.Request) error {
			f()
			return nil
		})
	})
}
