package main

import (
	"fmt"
	"strings"
)

// markdown writes docs/BENCHMARKS.md.
func (r *report) markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	m := r.Machine
	p("# Benchmarks\n\n")
	p("Written by `make bench`; do not edit. [bench/README.md](../bench/README.md) says how it is measured.\n\n")
	if r.Quick {
		p("**A quick run, to see that everything works. The figures mean little.**\n\n")
	}
	p("- Measured: %s to %s, load average at the start %s\n", m.Started, m.Finished, m.Load)
	p("- Machine: %d × %s, %s, Linux %s; the load generator shares it\n", m.Cores, m.CPU, m.Memory, m.Kernel)
	for _, v := range m.Versions {
		p("- %s\n", v)
	}
	p("- %d rounds of %g s for each row and number of connections, interleaved\n\n", r.Rounds, r.Seconds)
	for _, failure := range r.Failures {
		p("**Not whole:** %s\n\n", failure)
	}
	p("Figures are medians of the rounds, with (minimum–maximum).\n\n")
	if len(r.Peers) > 0 {
		r.peersTables(p)
	}
	if bars := r.bars(); len(bars) > 0 {
		p("## Bars\n\n| what | must be | is | |\n|---|---|---|---|\n")
		for _, bar := range bars {
			p("| %s | %s | %s | %s |\n", bar.what, bar.must, bar.is, bar.verdict)
		}
		p("\n")
	}
	r.startTable(p)
	r.densityTable(p)
	r.growthTables(p)
	return b.String()
}

type printer func(format string, args ...any)

func (r *report) peersTables(p printer) {
	p("## The same work everywhere\n\n")
	p("`GET /users/{id}` → `{\"id\": \"7\", \"name\": \"User 7\", \"email\": \"user7@example.com\"}` as application/json,\n")
	p("over connections that are kept alive. CPU is that of the server, user and system, over the requests.\n\n")
	limit := r.peer(reference)
	for _, connections := range crowds {
		p("### %d connections\n\n", connections)
		p("| | req/s | of bare fasthttp, within a round | CPU µs/request | p50 | p99 | p99.9 ms | errors | RSS MiB | PSS MiB |\n")
		p("|---|---|---|---|---|---|---|---|---|---|\n")
		for _, row := range r.Peers {
			if row.NotRun != "" {
				continue
			}
			loads := func(format string, f func(*load) float64) string { return spread(row.each(connections, f), format) }
			middle := func(format string, f func(*load) float64) string {
				return number(median(row.each(connections, f)), format)
			}
			p("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", row.What,
				loads("%.0f", (*load).PerSecond),
				spread(row.against(limit, connections, rate), "%.2f"),
				loads("%.1f", func(l *load) float64 { return l.CPU }),
				middle("%.2f", func(l *load) float64 { return l.P50 / 1000 }),
				middle("%.1f", func(l *load) float64 { return l.P99 / 1000 }),
				middle("%.1f", func(l *load) float64 { return l.P999 / 1000 }),
				row.errors(connections),
				middle("%.1f", func(l *load) float64 { return float64(l.RSS) / (1 << 20) }),
				middle("%.1f", func(l *load) float64 { return float64(l.PSS) / (1 << 20) }))
		}
		p("\n")
	}
	p("### At rest\n\n| | exec to the first 200, ms | idle RSS MiB | idle PSS MiB | size MiB | settings |\n|---|---|---|---|---|---|\n")
	for _, row := range r.Peers {
		if row.NotRun == "" {
			p("| %s | %s | %.1f | %.1f | %.1f | %s |\n", row.What, spread(row.Start, "%.1f"),
				float64(row.IdleRSS)/(1<<20), float64(row.IdlePSS)/(1<<20), float64(row.Size)/(1<<20), row.Settings)
		}
	}
	p("\n")
	heading := false
	for _, row := range r.Peers {
		if row.NotRun != "" {
			if !heading {
				p("### Not run\n\n")
				heading = true
			}
			p("- %s: %s\n", row.What, row.NotRun)
		}
		for _, failure := range row.Failures {
			p("- %s: %s\n", row.What, failure)
		}
	}
	if heading {
		p("\n")
	}
}

// number prints a figure, and a dash when there is none.
func number(value float64, format string) string {
	if value != value {
		return "–"
	}
	return fmt.Sprintf(format, value)
}

// errors sums those of all rounds.
func (r *result) errors(connections int) string {
	var sum, requests int64
	for _, l := range r.Rounds[connections] {
		if l != nil {
			sum += l.Errors
			requests += l.Requests
		}
	}
	if sum == 0 {
		return "0"
	}
	return fmt.Sprintf("%d of %d", sum, requests)
}

func (r *report) peer(name string) *result {
	for _, p := range r.Peers {
		if p.Name == name && p.NotRun == "" {
			return p
		}
	}
	return nil
}

func (r *report) startTable(p printer) {
	if len(r.Start) == 0 {
		return
	}
	p("## Start\n\nFrom exec to the first 200, without a cache of compiled code and with one.\n\n")
	p("| | cold ms | warm ms | idle RSS MiB | idle PSS MiB |\n|---|---|---|---|---|\n")
	for _, row := range r.Start {
		p("| %s | %s | %s | %.1f | %.1f |\n", row.What, spread(row.Cold, "%.0f"), spread(row.Warm, "%.1f"), float64(row.IdleRSS)/(1<<20), float64(row.IdlePSS)/(1<<20))
	}
	p("\nWhere the time of one start goes, by the host's own log:\n\n```\n")
	for _, row := range r.Start {
		plot(p, row.What+", cold", row.ColdPhases)
		plot(p, row.What+", warm", row.WarmPhases)
	}
	p("```\n\n")
}

// plot draws when each phase of a start began and ended.
func plot(p printer, title string, phases []phase) {
	if len(phases) == 0 {
		return
	}
	const width = 50
	end := phases[len(phases)-1].At
	for _, ph := range phases {
		end = max(end, ph.At)
	}
	p("%s\n", title)
	last := 0.0
	for _, ph := range phases {
		from, to := int(last/end*width), int(ph.At/end*width)
		from = min(from, to)
		p("  %-22s %7.1f ms |%s%s%s|\n", ph.Name, ph.At-last, strings.Repeat(" ", from), strings.Repeat("█", to-from), strings.Repeat(" ", width-to))
		last = ph.At
	}
}

func (r *report) densityTable(p printer) {
	if len(r.Density) == 0 {
		return
	}
	p("## Density\n\nSo many plugins in C, each a file and a route of its own. \"used\" is after each has answered a request.\n\n")
	p("| plugins | cold start ms | warm start ms | idle RSS / PSS MiB | used RSS / PSS MiB | one of them, 1 connection: p50 / p99 µs | req/s | CPU µs | reload of one ms |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, d := range r.Density {
		p("| %d | %.0f | %.0f | %.1f / %.1f | %.1f / %.1f | %.0f / %.0f | %.0f | %.1f | %.0f |\n", d.Plugins, d.Cold, d.Warm,
			float64(d.IdleRSS)/(1<<20), float64(d.IdlePSS)/(1<<20), float64(d.UsedRSS)/(1<<20), float64(d.UsedPSS)/(1<<20), d.P50, d.P99, d.Rate, d.CPU, d.Reload)
	}
	p("\n")
}

func (r *report) growthTables(p printer) {
	if len(r.Growth) == 0 {
		return
	}
	p("## Growth\n\nWasmlane with the C plugin, pristine per request, and bare fasthttp.\n")
	last := ""
	for _, g := range r.Growth {
		if g.What != last {
			last = g.What
			title := map[string]string{"routes": "Routes (64 connections)", "body": "Bytes of the request's body (POST, 16 connections)", "connections": "Connections"}[last]
			p("\n### %s\n\n| %s | | req/s | CPU µs/request | p50 ms | p99 ms | errors | RSS MiB |\n|---|---|---|---|---|---|---|---|\n", title, last)
		}
		for _, row := range []struct {
			name string
			load *load
		}{{"Wasmlane", g.Lane}, {"fasthttp", g.Fasthttp}} {
			if l := row.load; l != nil {
				p("| %d | %s | %.0f | %.1f | %.2f | %.1f | %d | %.1f |\n", g.Size, row.name, l.PerSecond(), l.CPU, l.P50/1000, l.P99/1000, l.Errors, float64(l.RSS)/(1<<20))
			}
		}
	}
	p("\n")
}
