package metrics

import (
	"testing"
	"time"
)

// What a request pays: looking at the clock, and counting.
func BenchmarkRequest(b *testing.B) {
	r := NewRoute(RouteName{"user", "get_user", "/users/{id}"})
	method, start := []byte("GET"), time.Now()
	for b.Loop() {
		r.Count(method, 200, time.Since(start))
	}
}

// The same with every processor on one route.
func BenchmarkRequestContended(b *testing.B) {
	r := NewRoute(RouteName{"user", "get_user", "/users/{id}"})
	method, start := []byte("GET"), time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Count(method, 200, time.Since(start))
		}
	})
}

// A scrape of a thousand routes.
func BenchmarkWrite(b *testing.B) {
	var routes []*Route
	for range 1000 {
		r := NewRoute(RouteName{"user", "get_user", "/users/{id}"})
		r.Count([]byte("GET"), 200, time.Millisecond)
		routes = append(routes, r)
	}
	for b.Loop() {
		text := new(Text)
		for _, r := range routes {
			r.WriteCounts(text, "wasmlane_requests_total")
			r.WriteDurations(text, "wasmlane_request_duration_seconds")
		}
		b.SetBytes(int64(len(text.Bytes())))
	}
}
