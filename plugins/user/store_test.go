package main

import (
	"errors"
	"fmt"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// An operation of a scenario, and what came of it.
type operation struct {
	name string
	do   func() error
	done bool // it ended by itself
	err  error
}

func (o *operation) run() {
	o.err = o.do()
	o.done = true
}

func creates(name string) *operation {
	email := name + "@e.com"
	return &operation{name: "create " + email, do: func() error {
		_, _, err := create(input{"New", email})
		return err
	}}
}

func updates(id int64, name string) *operation {
	email := name + "@e.com"
	return &operation{name: fmt.Sprintf("update %d %s", id, email), do: func() error {
		_, err := update(id, input{"Changed", email})
		return err
	}}
}

func removes(id int64) *operation {
	return &operation{name: fmt.Sprintf("delete %d", id), do: func() error { return remove(id) }}
}

// Before each scenario there are user 1 with the address a, who had x before, and
// user 2 with the address b.
var scenarios = []struct {
	name       string
	wins       int // how many succeed when none is cut off; -1 when it depends
	operations func() []*operation
}{
	{"two create the same", 1, func() []*operation { return []*operation{creates("n"), creates("n")} }},
	{"two create an address that was left", 1, func() []*operation { return []*operation{creates("x"), creates("x")} }},
	{"create what one returns to", 1, func() []*operation { return []*operation{updates(1, "x"), creates("x")} }},
	{"create what one moves to", 1, func() []*operation { return []*operation{updates(1, "n"), creates("n")} }},
	{"two move to the same", 1, func() []*operation { return []*operation{updates(1, "x"), updates(2, "x")} }},
	{"create what one leaves", -1, func() []*operation { return []*operation{updates(1, "n"), creates("a")} }},
	{"create what is deleted", -1, func() []*operation { return []*operation{removes(1), creates("a")} }},
	{"move to what is deleted", -1, func() []*operation { return []*operation{removes(1), updates(2, "a")} }},
	{"move and delete", -1, func() []*operation { return []*operation{updates(1, "n"), removes(1)} }},
	{"one moves to two places", -1, func() []*operation { return []*operation{updates(1, "n"), updates(1, "x")} }},
	{"one moves twice to the same", -1, func() []*operation { return []*operation{updates(1, "x"), updates(1, "x")} }},
	{"move and rename", -1, func() []*operation { return []*operation{updates(1, "n"), updates(1, "a")} }},
	{"two exchange", -1, func() []*operation { return []*operation{updates(1, "b"), updates(2, "a")} }},
	{"two delete", 1, func() []*operation { return []*operation{removes(1), removes(1)} }},
	{"three create the same", 1, func() []*operation { return []*operation{creates("n"), creates("n"), creates("n")} }},
	{"three want what was left", 1, func() []*operation { return []*operation{creates("x"), updates(1, "x"), updates(2, "x")} }},
	{"three in a ring", -1, func() []*operation { return []*operation{updates(1, "b"), updates(2, "x"), creates("a")} }},
}

// enough is how many orders are tried of one scenario. Of two operations there
// are up to 1.3 million; all of them take ten minutes.
const enough = 100

// In whatever order the steps of two operations come, and wherever one of them
// ends, no two users have the same address and no address is lost.
func TestInterleavings(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			try := func(mayCut bool) func(choose func(int) int) {
				return func(choose func(int) int) {
					if t.Failed() {
						return
					}
					env := lanetest.New()
					post(t, env, "One", "x@e.com")
					put(t, env, "1", "One", "a@e.com")
					post(t, env, "Two", "b@e.com")
					operations := s.operations()
					var runs []func()
					for _, o := range operations {
						runs = append(runs, o.run)
					}
					var path []int
					cut := interleave(t, env, mayCut, func(n int) int {
						pick := choose(n)
						path = append(path, pick)
						return pick
					}, runs...)
					wins := s.wins
					if cut {
						wins = -1
					}
					if problem := judge(t, env, wins, operations); problem != "" {
						t.Errorf("%s\nafter the choices %v", problem, path)
					}
				}
			}
			explore(enough, try(false))
			explore(enough, try(true))
		})
	}
}

// judge says what is wrong after a scenario, or "".
func judge(t *testing.T, env *lanetest.Env, wins int, operations []*operation) (problem string) {
	t.Helper()
	succeeded := 0
	for _, o := range operations {
		var refused *wasmlane.HTTPError
		switch {
		case !o.done: // cut off
		case o.err == nil:
			succeeded++
		case !errors.As(o.err, &refused) || refused.Status != 404 && refused.Status != 409:
			return fmt.Sprintf("%s: %v", o.name, o.err)
		}
	}
	if wins >= 0 && succeeded != wins {
		return fmt.Sprintf("%d operations succeeded, not %d", succeeded, wins)
	}
	within(t, env, func() {
		if problem = unsound(); problem != "" {
			return
		}
		// Every address can be had, or somebody has it whom clients can see.
		for _, address := range []string{"a@e.com", "b@e.com", "n@e.com", "x@e.com"} {
			_, _, err := create(input{"Later", address})
			holder := holderOf(address)
			if holder == 0 {
				problem = fmt.Sprintf("nobody can have %s: %v", address, err)
			}
		}
		if problem == "" {
			problem = unsound()
		}
		// Every user can be changed.
		for u, err := range all(0) {
			id, _ := parseID(u.ID)
			if _, updateErr := update(id, input{"Last", "last" + u.ID + "@e.com"}); err != nil || updateErr != nil {
				problem = fmt.Sprint("cannot change user ", u.ID, ": ", err, updateErr)
			}
		}
		if problem == "" {
			problem = unsound()
		}
	})
	return problem
}

// unsound says which users share an address, or do not hold the claim on theirs.
func unsound() string {
	seen := map[string]string{}
	for u, err := range all(0) {
		if err != nil {
			return err.Error()
		}
		if seen[u.Email] != "" {
			return fmt.Sprintf("users %s and %s both have %s", seen[u.Email], u.ID, u.Email)
		}
		seen[u.Email] = u.ID
		id, _ := parseID(u.ID)
		p, err := find(id)
		if err != nil {
			return err.Error()
		}
		there, err := wasmlane.KV.Get("email/" + u.Email)
		if err != nil || string(there) != fmt.Sprintf("%d:%d", id, p.Claim) {
			return fmt.Sprintf("user %s has %s by claim %d, the claim there is %q, %v", u.ID, u.Email, p.Claim, there, err)
		}
	}
	return ""
}

// holderOf returns the id of the user whom clients see with an address, or 0.
func holderOf(address string) (id int64) {
	for u := range all(0) {
		if u.Email == address {
			id, _ = parseID(u.ID)
		}
	}
	return id
}
