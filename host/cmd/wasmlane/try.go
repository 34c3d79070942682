package main

import (
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/host"
)

// tries picks up to two routes worth a curl line: the first that creates
// something and the first that only reads, those of plugins before the host's
// own.
func tries(routes []host.RouteStatus) []host.RouteStatus {
	var picked []host.RouteStatus
	for _, method := range []string{"POST", "GET"} {
		best := -1
		for i, r := range routes {
			// A route for any method takes a body perhaps, but one of the host's own
			// does not.
			if r.Error != "" || !answers(r, method) || method == "POST" && isBuiltin(r) {
				continue
			}
			if best < 0 || (isBuiltin(routes[best]) && !isBuiltin(r)) {
				best = i
			}
		}
		if best >= 0 {
			r := routes[best]
			r.Methods = []string{method}
			picked = append(picked, r)
		}
	}
	return picked
}

func answers(r host.RouteStatus, method string) bool {
	return len(r.Methods) == 0 || slices.Contains(r.Methods, method)
}

func isBuiltin(r host.RouteStatus) bool { return strings.HasPrefix(r.Handler, "@") }

// curl returns the line that sends a request to the route. A body is a guess at
// what a JSON service may want; its error says what it does want.
func curl(r host.RouteStatus, base string) string {
	url := "'" + base + sample(r.Path) + "'"
	if r.Methods[0] == "POST" {
		return `curl -i -d '{"name": "Ada", "email": "ada@example.com"}' ` + url
	}
	return "curl -i " + url
}

// sample replaces the parameters of a pattern by 1.
func sample(path string) string {
	var b strings.Builder
	depth := 0
	for _, c := range path {
		switch {
		case c == '{':
			if depth == 0 {
				b.WriteByte('1')
			}
			depth++
		case c == '}':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}
