//go:build !race

package route

import "testing"

// The race detector makes sync.Pool, which regexp uses, drop what it holds.

func TestLookupAllocatesNothing(t *testing.T) {
	table := New[*int]()
	for _, r := range []struct{ method, pattern string }{
		{"GET", "/"},
		{"GET", "/users/new"},
		{"PUT", "/users/{id:[0-9]+}"},
		{"PUT", "/users/{id:[0-9a-f]{8}}/x"},
		{"DELETE", "/users/{id}"},
		{"GET", "/users/{id}/orders/{order}"},
		{"GET", "/files/{rest...}"},
	} {
		if err := table.Add([]string{r.method}, parse(t, r.pattern), new(int)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		method, path string
		kind         Kind
		params       int
	}{
		{"GET", "/", Found, 0},
		{"HEAD", "/users/new", Found, 0},
		{"PUT", "/users/1234", Found, 1},
		{"PUT", "/users/0badcafe/x", Found, 1},
		{"DELETE", "/users/a%20b", Found, 1},
		{"GET", "/users/0badcafe/orders/%C3%A9", Found, 2},
		{"GET", "/files/a/b/%2F/d", Found, 1},
		{"GET", "/users/7", MethodNotAllowed, 0},
		{"OPTIONS", "/users/7", Options, 0},
		{"PROPFIND", "/users/7", MethodNotAllowed, 0},
		{"GET", "/nowhere/at/all", NotFound, 0},
		{"GET", "/users/%zz", BadPath, 0},
		{"GET", "/users/..", BadPath, 0},
	} {
		var params Params
		method, path, name := []byte(c.method), []byte(c.path), []byte("id")
		r := table.Lookup(method, path, &params)
		if r.Kind != c.kind || params.Len() != c.params {
			t.Errorf("%s %s: %s with %d parameters; want %s with %d", c.method, c.path, r.Kind, params.Len(), c.kind, c.params)
		}
		allocs := testing.AllocsPerRun(200, func() {
			table.Lookup(method, path, &params)
			params.Get(name)
		})
		if allocs != 0 {
			t.Errorf("%s %s: %v allocations", c.method, c.path, allocs)
		}
	}
}
