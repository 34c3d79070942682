package route

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkLookup(b *testing.B) {
	for _, routes := range []int{10, 1_000, 10_000} {
		table := benchTable(b, routes)
		for _, c := range []struct {
			name, method, path string
			want               Kind
		}{
			{"static", "GET", fmt.Sprintf("/service%d/health", routes/10-1), Found},
			{"param", "GET", "/service0/items/12345", Found},
			{"params2", "GET", "/service0/items/12345/parts/p-7", Found},
			{"regex", "GET", "/service0/orders/12345", Found},
			{"rest", "GET", "/service0/files/a/b/c.txt", Found},
			{"escapes", "GET", "/service0/items/caf%C3%A9%20noir", Found},
			{"405", "PATCH", "/service0/items/12345", MethodNotAllowed},
			{"404", "GET", "/service0/nothing/here", NotFound},
		} {
			b.Run(fmt.Sprintf("routes=%d/%s", routes, c.name), func(b *testing.B) {
				bench(b, table, c.method, c.path, c.want)
			})
		}
	}
}

// BenchmarkLookupHostile has paths of the 4 KiB that fit into a default request
// head.
func BenchmarkLookupHostile(b *testing.B) {
	table := benchTable(b, 1_000)
	for _, c := range []struct {
		name, path string
		want       Kind
	}{
		{"slashes", strings.Repeat("/", 4000), NotFound},
		{"segments", "/service0/files" + strings.Repeat("/x", 2000), Found},
		{"escapes", "/service0/items/" + strings.Repeat("%41", 1300), Found},
		{"regex", "/service0/orders/" + strings.Repeat("1", 4000) + "x", NotFound},
	} {
		b.Run(c.name, func(b *testing.B) { bench(b, table, "GET", c.path, c.want) })
	}

	// Every static segment has a {parameter} beside it, and only the last of the
	// 4 096 ways leads to a route.
	maze := New[int]()
	for way := range 1 << 12 {
		var pattern strings.Builder
		for i := range 12 {
			if way>>i&1 == 0 {
				pattern.WriteString("/a")
			} else {
				fmt.Fprintf(&pattern, "/{p%d}", i)
			}
		}
		if err := maze.Add(nil, parse(b, fmt.Sprintf("%s/end%d", &pattern, way)), way); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("maze", func(b *testing.B) {
		bench(b, maze, "GET", strings.Repeat("/a", 12)+"/end4095", Found)
	})
}

func bench(b *testing.B, table *Table[int], method, path string, want Kind) {
	var params Params
	m, p := []byte(method), []byte(path)
	b.ReportAllocs()
	for b.Loop() {
		if r := table.Lookup(m, p, &params); r.Kind != want {
			b.Fatalf("%s %s: %s; want %s", method, path, r.Kind, want)
		}
	}
}

// benchTable returns a table of that many routes, ten for each service.
func benchTable(b *testing.B, routes int) *Table[int] {
	table := New[int]()
	for service := range routes / 10 {
		for i, r := range []struct{ method, pattern string }{
			{"GET", "/health"},
			{"GET", "/items"},
			{"POST", "/items"},
			{"GET", "/items/{id}"},
			{"PUT", "/items/{id}"},
			{"DELETE", "/items/{id}"},
			{"GET", "/items/{id}/parts/{part}"},
			{"GET", "/orders/{id:[0-9]+}"},
			{"GET", "/files/{rest...}"},
			{"POST", "/orders"},
		} {
			p := parse(b, fmt.Sprintf("/service%d%s", service, r.pattern))
			if err := table.Add([]string{r.method}, p, service*10+i); err != nil {
				b.Fatal(err)
			}
		}
	}
	return table
}
