package route

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestLookupLikeTheReference draws small tables and requests from few words, so
// that patterns overlap in every way there is. The seeds are fixed.
func TestLookupLikeTheReference(t *testing.T) {
	words := []string{"a", "b", "12", "x%2Fy", "{p}", "{q}", "{r:[0-9]+}", "{s:[a-z]}", "{u:[0-9a-z]+}", "{t:a|1}", "{v...}"}
	methods := []string{"ANY", "GET", "HEAD", "POST", "OPTIONS", "GET,POST", "PUT,DELETE"}
	texts := []string{"a", "b", "12", "12", "x%2Fy", "%61", "", "zz", "a.b"}
	tables := 1000
	if testing.Short() {
		tables = 100
	}
	for seed := range tables {
		random := rand.New(rand.NewPCG(uint64(seed), 7))
		pick := func(from []string) string { return from[random.IntN(len(from))] }
		draw := func(from []string, most int) string {
			var b strings.Builder
			for range 1 + random.IntN(most) {
				b.WriteString("/" + pick(from))
			}
			return b.String()
		}
		var routes []string
		for range 1 + random.IntN(12) {
			pattern := draw(words, 4)
			if random.IntN(5) == 0 {
				pattern += "/"
			}
			routes = append(routes, pick(methods)+" "+pattern)
		}
		var requests [][2]string
		for range 30 {
			requests = append(requests, [2]string{
				pick([]string{"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "FETCH"}), draw(texts, 5)})
		}
		compare(t, routes, requests)
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("GET /users/{id}\nPOST /users/new\nGET /{rest...}", "GET", "/users/new")
	f.Add("ANY /{a:[0-9]+}/x\nPUT,GET /{a:[0-9a-f]+}/x\nGET /{b}/y", "HEAD", "/12/x")
	f.Add("GET /a%2Fb\nGET /a/b\nDELETE /{r...}", "OPTIONS", "/a%2fb")
	f.Add("GET /f/{rest...}", "GET", "/f/a/..%2Fb/%zz")
	f.Add("GET /", "GET", "//")
	f.Fuzz(func(t *testing.T, routes, method, path string) {
		list := strings.Split(routes, "\n")
		if len(list) > 20 {
			return
		}
		compare(t, list, [][2]string{{method, path}, {"GET", path}, {"OPTIONS", path}})
	})
}

func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{
		"/", "/users/{id}", "/users/{id:[0-9]{2}}/x", "/files/{rest...}", "/caf%C3%A9", "/{a}/{a}",
		"/{id:[[:alpha:]{]+}", `/{id:\{x\}}`, "/{id", "/a}", "/:id", "/*", "//", "/{x:*}", `/{id:\Qa}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePattern(s)
		if err != nil {
			if p.source != "" || p.segments != nil || p.names != nil {
				t.Fatalf("%q: an error and a pattern", s)
			}
			return
		}
		if p.String() != s {
			t.Fatalf("%q became %q", s, p)
		}
		names := p.Names()
		for i, name := range names {
			if !isName(name) || slices.Contains(names[:i], name) {
				t.Fatalf("%q: parameters %q", s, names)
			}
		}
		if _, err := ParsePattern(s); err != nil {
			t.Fatalf("%q: valid once and then %v", s, err)
		}
		checkServes(t, p)
	})
}

// checkServes makes a request from the pattern and expects it to be found. A
// regex is left out: there is no telling what matches it.
func checkServes(t *testing.T, p Pattern) {
	var path strings.Builder
	for _, s := range p.segments {
		path.WriteByte('/')
		switch s.kind {
		case kindStatic:
			path.WriteString(url.PathEscape(s.text))
		case kindRegex:
			return
		default:
			path.WriteString("value")
		}
	}
	table := New[int]()
	if err := table.Add(nil, p, 1); err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	var params Params
	r := table.Lookup([]byte("GET"), []byte(path.String()), &params)
	if r.Kind != Found || params.Len() != len(p.names) {
		t.Fatalf("%s does not serve %s: %s", p, path.String(), r.Kind)
	}
	for i := range params.Len() {
		if string(params.Value(i)) != "value" {
			t.Fatalf("%s: %s is %q", p, params.Name(i), params.Value(i))
		}
	}
}
