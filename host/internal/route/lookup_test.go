package route

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestLookup runs the files testdata/lookup_*.txt. Each has routes, "METHODS
// PATTERN VALUE", where ANY stands for any method and "! error" for one that Add
// refuses; then a line "---"; then requests, "METHOD PATH = outcome".
func TestLookup(t *testing.T) {
	files, err := filepath.Glob("testdata/lookup_*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "lookup_"), ".txt")
		t.Run(name, func(t *testing.T) { runLookups(t, file) })
	}
}

func runLookups(t *testing.T, file string) {
	table := New[string]()
	var params Params // one for all, as a connection would use it
	requests := 0
	inRoutes := true
	for line, text := range lines(t, file) {
		if text == "---" {
			inRoutes = false
			continue
		}
		if inRoutes {
			addLine(t, table, line, text)
			continue
		}
		request, want, ok := strings.Cut(text, " = ")
		method, path, ok2 := strings.Cut(request, " ")
		if !ok || !ok2 {
			t.Fatalf("line %d: %q is no request", line, text)
		}
		result := table.Lookup([]byte(method), []byte(path), &params)
		if got := outcome(result, &params); got != want {
			t.Errorf("line %d: %s\n got %s\nwant %s", line, request, got, want)
		}
		requests++
	}
	if requests == 0 {
		t.Fatal("no requests")
	}
}

func addLine(t *testing.T, table *Table[string], line int, text string) {
	t.Helper()
	route, want, _ := strings.Cut(text, " ! ")
	fields := strings.Fields(route)
	if len(fields) != 3 {
		t.Fatalf("line %d: %q is no route", line, text)
	}
	var methods []string
	if fields[0] != "ANY" {
		methods = strings.Split(fields[0], ",")
	}
	p, err := ParsePattern(fields[1])
	if err != nil {
		t.Fatalf("line %d: %v", line, err)
	}
	err = table.Add(methods, p, fields[2])
	switch {
	case want == "" && err != nil:
		t.Errorf("line %d: %v", line, err)
	case want != "" && err == nil:
		t.Errorf("line %d: no error; want %s", line, want)
	case want != "" && !strings.HasPrefix(err.Error(), want):
		t.Errorf("line %d: got\n%v\nwant\n%s", line, err, want)
	}
}

// outcome writes a result as the case files do.
func outcome(r Result[string], params *Params) string {
	switch r.Kind {
	case Found:
		var b strings.Builder
		b.WriteString(r.Value)
		for i := range params.Len() {
			fmt.Fprintf(&b, " %s=%s", params.Name(i), strconv.Quote(string(params.Value(i))))
		}
		return b.String()
	case MethodNotAllowed:
		return "405 " + r.Allow
	case Options:
		return "OPTIONS " + r.Allow
	case BadPath:
		return "bad " + r.Err.Error()
	}
	return "404"
}

func TestConflictCarriesTheOtherValue(t *testing.T) {
	table := New[int]()
	if err := table.Add([]string{"GET", "PUT"}, parse(t, "/users/{id}"), 14); err != nil {
		t.Fatal(err)
	}
	err := table.Add([]string{"POST", "PUT"}, parse(t, "/users/{name}"), 20)
	var conflict *Conflict[int]
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v", err)
	}
	if conflict.Other != 14 || conflict.Method != "PUT" ||
		conflict.OtherPattern.String() != "/users/{id}" || conflict.Pattern.String() != "/users/{name}" {
		t.Errorf("got %+v", conflict)
	}
}

func TestAddRefusesTheZeroPattern(t *testing.T) {
	if err := New[int]().Add(nil, Pattern{}, 1); err == nil {
		t.Error("no error")
	}
}

func TestParams(t *testing.T) {
	table := New[string]()
	for _, s := range []string{"/u/{id}/{rest...}", "/plain"} {
		if err := table.Add(nil, parse(t, s), s); err != nil {
			t.Fatal(err)
		}
	}
	var params Params
	get := []byte("GET")
	path := []byte("/u/a%20b/c/d%2Fe")
	table.Lookup(get, path, &params)
	clear(path) // nothing may point into it

	if v, ok := params.Get([]byte("id")); !ok || string(v) != "a b" {
		t.Errorf("id is %q, %v", v, ok)
	}
	if v, ok := params.Get([]byte("rest")); !ok || string(v) != "c/d/e" {
		t.Errorf("rest is %q, %v", v, ok)
	}
	if v, ok := params.Get([]byte("other")); ok || v != nil {
		t.Errorf("other is %q, %v", v, ok)
	}
	if got := string(params.Path()); got != "/u/a b/c/d/e" {
		t.Errorf("the path is %q", got)
	}
	if got := string(append(params.Value(0), "!!!!"...)); got != "a b!!!!" || string(params.Value(1)) != "c/d/e" {
		t.Error("appending to one value changed another")
	}

	for path, want := range map[string]string{"/plain": "/plain", "/nowhere": "/nowhere", "/u/%zz": "", "x": ""} {
		table.Lookup(get, []byte("/u/1/2"), &params)
		table.Lookup(get, []byte(path), &params)
		if got := string(params.Path()); got != want || params.Len() != 0 {
			t.Errorf("after %s: %d parameters, path %q; want none and %q", path, params.Len(), got, want)
		}
		if _, ok := params.Get([]byte("id")); ok {
			t.Errorf("after %s: a parameter of the lookup before is left", path)
		}
	}
}

// A path of a million segments must neither recurse a million times nor leave a
// million offsets behind.
func TestLookupOfADeepPath(t *testing.T) {
	table := New[string]()
	for _, s := range []string{"/{a}/{b}/{c}", "/x/{rest...}"} {
		if err := table.Add([]string{"GET"}, parse(t, s), s); err != nil {
			t.Fatal(err)
		}
	}
	var params Params
	deep := strings.Repeat("/x", 1<<20)
	if r := table.Lookup([]byte("GET"), []byte("/y"+deep), &params); r.Kind != NotFound {
		t.Errorf("got %s", r.Kind)
	}
	if r := table.Lookup([]byte("GET"), []byte(deep), &params); r.Kind != Found || len(params.Value(0)) != len(deep)-len("/x/") {
		t.Errorf("got %s", r.Kind)
	}
	if n := cap(params.segments); n > 16 {
		t.Errorf("room for %d segments is left; the longest pattern has 3", n)
	}
}

func TestLookupIsConcurrent(t *testing.T) {
	table := New[int]()
	for i := range 50 {
		if err := table.Add(nil, parse(t, fmt.Sprintf("/s%d/{id:[0-9]+}/{rest...}", i)), i); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			var params Params
			for n := range 2000 {
				i := (n + worker) % 50
				r := table.Lookup([]byte("GET"), fmt.Appendf(nil, "/s%d/%d/a/b", i, n), &params)
				if r.Kind != Found || r.Value != i || string(params.Value(0)) != strconv.Itoa(n) {
					t.Errorf("lookup %d of worker %d: %s, value %d", n, worker, r.Kind, r.Value)
					return
				}
			}
		})
	}
	wg.Wait()
}
