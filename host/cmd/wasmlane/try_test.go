package main

import (
	"slices"
	"testing"

	"github.com/wasmlane/wasmlane/host"
)

func TestTries(t *testing.T) {
	route := func(methods, path, handler, err string) host.RouteStatus {
		r := host.RouteStatus{Path: path, Handler: handler, Error: err}
		if methods != "" {
			r.Methods = []string{methods}
		}
		return r
	}
	const post = `curl -i -d '{"name": "Ada", "email": "ada@example.com"}' `
	for _, c := range []struct {
		name   string
		routes []host.RouteStatus
		want   []string
	}{
		{"nothing", nil, nil},
		{"plugins before the host's own",
			[]host.RouteStatus{
				route("GET", "/health", "@health", ""), route("GET", "/users/{id}", "user.get", ""),
				route("GET", "/users", "user.list", ""), route("POST", "/users", "user.create", ""),
			},
			[]string{post + `'http://x/users'`, `curl -i 'http://x/users/1'`}},
		{"only the host's own", []host.RouteStatus{route("", "/health", "@health", "")}, []string{`curl -i 'http://x/health'`}},
		{"not what answers 503",
			[]host.RouteStatus{route("", "/a", "a.b", "broken"), route("GET", "/b", "b.c", "")},
			[]string{`curl -i 'http://x/b'`}},
		{"any method", []host.RouteStatus{route("", "/a", "a.b", "")}, []string{post + `'http://x/a'`, `curl -i 'http://x/a'`}},
		{"neither", []host.RouteStatus{route("DELETE", "/a", "a.b", "")}, nil},
	} {
		var got []string
		for _, r := range tries(c.routes) {
			got = append(got, curl(r, "http://x"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSample(t *testing.T) {
	for pattern, want := range map[string]string{
		"/":                           "/",
		"/users/{id}/orders":          "/users/1/orders",
		"/n/{n:[0-9]{1,3}}/{rest...}": "/n/1/1",
	} {
		if got := sample(pattern); got != want {
			t.Errorf("sample(%q) is %q, want %q", pattern, got, want)
		}
	}
}

func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:8001":   "localhost:8001",
		"[::]:8001":      "localhost:8001",
		"127.0.0.1:8001": "127.0.0.1:8001",
		"[::1]:8001":     "[::1]:8001",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("reachable(%q) is %q, want %q", addr, got, want)
		}
	}
}
