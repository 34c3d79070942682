package main

import (
	"context"
	"fmt"
	"strconv"
)

// growthRow is Wasmlane, with the C plugin, and bare fasthttp as one thing grows.
type growthRow struct {
	What           string // "routes", "body" or "connections"
	Size           int
	Lane, Fasthttp *load // nil: that does not apply
}

// growth measures what becomes of the host as routes, bodies and connections grow.
func (m *meter) growth(ctx context.Context) (rows []growthRow, err error) {
	if err := m.prepare(ctx, find(allPeers(m.workshop), reference)); err != nil {
		return nil, err
	}
	// What has been measured is returned with an error, too.
	for _, n := range []int{10, 100, 1000, 10000} {
		s := &site{access: true}
		s.plugin(m.workshop, "bench", "c.wasm")
		for i := range n - 1 {
			s.route("GET", fmt.Sprintf("/service%d/users/{id}", i), "bench.get_user")
		}
		s.route("GET", "/users/{id}", "bench.get_user")
		name := fmt.Sprintf("routes-%d", n)
		server, err := m.start(ctx, name, m.wasmlane(name, s), "/users/7")
		if err != nil {
			return nil, err
		}
		l, err := m.drive(ctx, server, 64, m.seconds, "/users/")
		server.stop()
		if err != nil {
			return nil, err
		}
		rows = m.grown(rows, growthRow{"routes", n, &l, nil})
	}

	s := &site{access: true}
	s.plugin(m.workshop, "bench", "c.wasm")
	s.route("GET", "/users/{id}", "bench.get_user")
	s.route("POST", "/count", "bench.count_body")
	lane, err := m.start(ctx, "growth", m.wasmlane("growth", s), "/users/7")
	if err != nil {
		return nil, err
	}
	defer lane.stop()
	native, err := m.start(ctx, "growth-fasthttp", launch{args: []string{m.made("fasthttp")}}, "/users/7")
	if err != nil {
		return nil, err
	}
	defer native.stop()
	both := func(what string, size, connections int, args ...string) error {
		seconds := m.seconds
		if connections >= 10000 {
			seconds = max(seconds, 8) // connecting takes a few of them
		}
		a, err := m.drive(ctx, lane, connections, seconds, args...)
		if err != nil {
			return fmt.Errorf("%s %d: %w", what, size, err)
		}
		b, err := m.drive(ctx, native, connections, seconds, args...)
		if err != nil {
			return fmt.Errorf("%s %d, fasthttp: %w", what, size, err)
		}
		rows = m.grown(rows, growthRow{what, size, &a, &b})
		return nil
	}
	for _, size := range []int{1 << 10, 16 << 10, 256 << 10, 1 << 20, 4 << 20} {
		if err := both("body", size, 16, "/count", strconv.Itoa(size)); err != nil {
			return rows, err
		}
	}
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		if err := both("connections", n, n); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (m *meter) grown(rows []growthRow, r growthRow) []growthRow {
	m.say("%s %d: %.0f/s, %.1f µs, %d errors", r.What, r.Size, r.Lane.PerSecond(), r.Lane.CPU, r.Lane.Errors)
	return append(rows, r)
}
