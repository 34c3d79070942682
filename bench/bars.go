package main

import "fmt"

// bar is something that must be reached.
type bar struct{ what, must, is, verdict string }

// bars compares what was measured with what must be reached. What was not measured
// has no row.
func (r *report) bars() (bars []bar) {
	add := func(what, format string, limit float64, atLeast bool, values []float64) {
		if len(values) == 0 {
			return
		}
		sign, reached := "≤", median(values) <= limit
		if atLeast {
			sign, reached = "≥", median(values) >= limit
		}
		verdict := "reached"
		if !reached {
			verdict = "**missed**"
		}
		bars = append(bars, bar{what, sign + " " + fmt.Sprintf(format, limit), spread(values, format), verdict})
	}
	c, g, limit := r.peer("wasmlane-c"), r.peer("wasmlane-go"), r.peer(reference)
	for _, connections := range crowds {
		suffix := fmt.Sprintf(", %d connections", connections)
		if c != nil && limit != nil {
			add("req/s, C plugin, of bare fasthttp"+suffix, "%.2f", 0.90, true, c.against(limit, connections, rate))
			add("CPU µs/request, C plugin, over bare fasthttp"+suffix, "%.1f", 3, false, c.against(limit, connections, moreCPU))
		}
		if g != nil && limit != nil {
			add("req/s, Go plugin, of bare fasthttp"+suffix, "%.2f", 0.75, true, g.against(limit, connections, rate))
			add("CPU µs/request, Go plugin, over bare fasthttp"+suffix, "%.1f", 9, false, g.against(limit, connections, moreCPU))
		}
	}
	if c != nil && limit != nil {
		add("RSS MiB under 1000 connections, C plugin, over bare fasthttp", "%.1f", 8, false, c.against(limit, 1000, moreRSS))
	}
	if g != nil && limit != nil {
		add("RSS MiB under 1000 connections, Go plugin, over bare fasthttp", "%.1f", 8, false, g.against(limit, 1000, moreRSS))
	}
	for _, row := range []struct {
		mine        *result
		what, other string
		limit       float64
	}{
		{c, "req/s, C plugin, times Express", "express", 8},
		{c, "req/s, C plugin, times wazero with a new instance per request", "wazero-fresh-c", 3},
		{g, "req/s, Go plugin, times wazero with a new instance per request", "wazero-fresh-go", 50},
		{c, "req/s, C plugin, times http-wasm on net/http", "httpwasm", 1.5},
	} {
		if other := r.peer(row.other); row.mine != nil && other != nil {
			add(row.what+", 64 connections", "%.1f", row.limit, true, row.mine.against(other, 64, rate))
		}
	}
	for i, row := range r.Start {
		warm, idle := 15.0, 12.0
		if i > 0 {
			warm, idle = 90, 32
		}
		add("warm start ms, "+row.What, "%.0f", warm, false, row.Warm)
		add("idle RSS MiB, "+row.What, "%.1f", idle, false, []float64{float64(row.IdleRSS) / (1 << 20)})
	}
	for _, row := range r.Density {
		if row.Plugins == 500 {
			add("idle RSS MiB, 500 plugins in C", "%.0f", 64, false, []float64{float64(row.IdleRSS) / (1 << 20)})
			add("RSS MiB, 500 plugins in C that have each answered", "%.0f", 64, false, []float64{float64(row.UsedRSS) / (1 << 20)})
		}
	}
	if r.Machine.HostBinary > 0 {
		add("binary MiB, stripped", "%.1f", 12, false, []float64{float64(r.Machine.HostBinary) / (1 << 20)})
	}
	return bars
}
