package route

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reference is the same router without a tree: it holds every route against the
// path and then takes the best. It shares only ParsePattern's judgement of what
// is valid with the package; splitting, decoding and ranking are written anew.
type reference struct {
	routes []refRoute
}

type refRoute struct {
	methods  []string // empty: any
	segments []string // as written
	value    int
}

// splitPattern cuts a valid pattern into segments; none of the tests' regexes
// holds a slash.
func splitPattern(pattern string) []string { return strings.Split(pattern[1:], "/") }

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }
func isRest(segment string) bool  { return strings.HasSuffix(segment, "...}") }

// shape is what tells two patterns apart: the name of a parameter does not.
func shape(segment string) string {
	switch _, expr, hasRegex := strings.Cut(segment, ":"); {
	case !isParam(segment):
		text, _ := url.PathUnescape(segment)
		return "=" + text
	case isRest(segment):
		return "..."
	case hasRegex:
		return ":" + expr
	}
	return "*"
}

func shapes(segments []string) string {
	var b strings.Builder
	for _, s := range segments {
		fmt.Fprintf(&b, "%q", shape(s))
	}
	return b.String()
}

// add returns the index of a route that is in conflict with the new one, or -1.
func (r *reference) add(methods []string, pattern string) int {
	segments := splitPattern(pattern)
	for i, other := range r.routes {
		if shapes(other.segments) != shapes(segments) {
			continue
		}
		both := len(methods) == 0 && len(other.methods) == 0
		for _, m := range methods {
			both = both || slices.Contains(other.methods, m)
		}
		if both {
			return i
		}
	}
	r.routes = append(r.routes, refRoute{methods, segments, len(r.routes)})
	return -1
}

// match returns the values of the route's parameters for a decoded path.
func (r refRoute) match(path []string) (values []string, ok bool) {
	for i, s := range r.segments {
		if i == len(path) {
			return nil, false
		}
		switch _, expr, hasRegex := strings.Cut(strings.TrimSuffix(s, "}"), ":"); {
		case isRest(s):
			return append(values, strings.Join(path[i:], "/")), true
		case !isParam(s):
			if text, _ := url.PathUnescape(s); text != path[i] {
				return nil, false
			}
		case path[i] == "" || hasRegex && !regexp.MustCompile("^(?s:"+expr+")$").MatchString(path[i]):
			return nil, false
		default:
			values = append(values, path[i])
		}
	}
	return values, len(r.segments) == len(path)
}

// rank orders the segments that may stand at one place.
func (r *reference) rank(route refRoute, i int) (kind, order int) {
	s := route.segments[i]
	switch {
	case !isParam(s):
		return 0, 0
	case isRest(s):
		return 3, 0
	case !strings.Contains(s, ":"):
		return 2, 0
	}
	// The first route that has this regex at this place declared it.
	want := shapes(route.segments[:i+1])
	return 1, slices.IndexFunc(r.routes, func(o refRoute) bool {
		return len(o.segments) > i && shapes(o.segments[:i+1]) == want
	})
}

// better reports whether a beats b, both of which serve the request.
func (r *reference) better(a, b refRoute, method string) bool {
	for i := range min(len(a.segments), len(b.segments)) {
		ka, oa := r.rank(a, i)
		kb, ob := r.rank(b, i)
		if ka != kb {
			return ka < kb
		}
		if oa != ob {
			return oa < ob
		}
	}
	return fitness(a, method) < fitness(b, method)
}

// fitness is 0 for the method itself, 1 for GET instead of HEAD, 2 for any method
// and 3 when the route does not serve the method.
func fitness(r refRoute, method string) int {
	switch {
	case slices.Contains(r.methods, method):
		return 0
	case method == "HEAD" && slices.Contains(r.methods, "GET"):
		return 1
	case len(r.methods) == 0:
		return 2
	}
	return 3
}

// lookup returns the outcome as outcome does, but for the names of parameters and
// the reason of a bad path.
func (r *reference) lookup(method, path string) string {
	if !strings.HasPrefix(path, "/") {
		return "bad"
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		text, err := url.PathUnescape(s)
		if err != nil || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			return "bad"
		}
		segments[i] = text
	}
	for _, piece := range strings.Split(strings.Join(segments, "/"), "/") {
		if piece == "." || piece == ".." {
			return "bad"
		}
	}
	var best *refRoute
	var allow []string
	for _, route := range r.routes {
		if _, ok := route.match(segments); !ok {
			continue
		}
		allow = append(allow, route.methods...)
		if fitness(route, method) < 3 && (best == nil || r.better(route, *best, method)) {
			best = &route
		}
	}
	switch {
	case best != nil:
		values, _ := best.match(segments)
		return fmt.Sprintf("%d %q", best.value, values)
	case len(allow) == 0:
		return "404"
	}
	if slices.Contains(allow, "GET") {
		allow = append(allow, "HEAD")
	}
	allow = append(allow, "OPTIONS")
	slices.Sort(allow)
	kind := "405 "
	if method == "OPTIONS" {
		kind = "OPTIONS "
	}
	return kind + strings.Join(slices.Compact(allow), ", ")
}

// compare builds both routers from lines "METHODS PATTERN", leaving out what is
// not valid, and fails when they disagree about one of the requests.
func compare(t *testing.T, routes []string, requests [][2]string) {
	t.Helper()
	table, ref := New[int](), new(reference)
	for _, line := range routes {
		list, pattern, ok := strings.Cut(line, " ")
		p, err := ParsePattern(pattern)
		if !ok || err != nil || strings.ContainsAny(strings.Join(regexes(p), ""), "/:}") {
			continue // not for the reference's simple splitting
		}
		var methods []string
		if list != "ANY" {
			methods = strings.Split(list, ",")
		}
		if _, err := parseMethods(methods); err != nil {
			continue
		}
		want := ref.add(methods, pattern)
		switch err := table.Add(methods, p, len(ref.routes)-1).(type) {
		case nil:
			if want != -1 {
				t.Fatalf("%v\nadding %q: no error; want a conflict with route %d", routes, line, want)
			}
		case *Conflict[int]:
			// Of several the two may name different ones.
			if want == -1 {
				t.Fatalf("%v\nadding %q: %v; want no error", routes, line, err)
			}
		default:
			t.Fatalf("%v\nadding %q: %v", routes, line, err)
		}
	}
	var params Params
	for _, request := range requests {
		method, path := request[0], request[1]
		raw := []byte(path)
		result := table.Lookup([]byte(method), raw, &params)
		got := outcomeOfInt(result, &params)
		if want := ref.lookup(method, path); got != want {
			t.Fatalf("%s\n%s %q\n got %s\nwant %s", strings.Join(routes, "\n"), method, path, got, want)
		}
		if !bytes.Equal(raw, []byte(path)) {
			t.Fatalf("%q was changed to %q", path, raw)
		}
	}
}

func regexes(p Pattern) []string {
	var all []string
	for _, s := range p.segments {
		if s.kind == kindRegex {
			all = append(all, s.text)
		}
	}
	return all
}

func outcomeOfInt(r Result[int], params *Params) string {
	switch r.Kind {
	case Found:
		var values []string
		for i := range params.Len() {
			values = append(values, string(params.Value(i)))
		}
		return strconv.Itoa(r.Value) + fmt.Sprintf(" %q", values)
	case BadPath:
		return "bad"
	}
	return outcome(Result[string]{Kind: r.Kind, Allow: r.Allow}, params)
}
