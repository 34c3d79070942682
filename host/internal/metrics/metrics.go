// Package metrics counts what the host does and writes it in the Prometheus text
// exposition format (https://prometheus.io/docs/instrumenting/exposition_formats/).
package metrics

import (
	"fmt"
	"io"
	"sync/atomic"
)

// Metrics holds one host's counters. It is safe for concurrent use.
type Metrics struct {
	requests [len(classes)]atomic.Uint64
	reloads  [2]atomic.Uint64 // failures, successes
	gauges   []Gauge
}

// classes are the values of the label "code"; the first is for what is none.
var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Gauge is a value that is read when somebody asks.
type Gauge struct {
	Name  string // "wasmlane_connections"
	Help  string
	Value func() float64
}

// New returns metrics that all are zero, and the gauges.
func New(gauges ...Gauge) *Metrics { return &Metrics{gauges: gauges} }

// Request counts an answered request.
func (m *Metrics) Request(status int) {
	class := status / 100
	if class < 1 || class >= len(classes) {
		class = 0
	}
	m.requests[class].Add(1)
}

// Reload counts a reload.
func (m *Metrics) Reload(ok bool) {
	if ok {
		m.reloads[1].Add(1)
	} else {
		m.reloads[0].Add(1)
	}
}

// Write writes all metrics.
func (m *Metrics) Write(w io.Writer) {
	header(w, "wasmlane_requests_total", "counter", "Requests answered, by class of status.")
	for i := range m.requests {
		fmt.Fprintf(w, "wasmlane_requests_total{code=%q} %d\n", classes[i], m.requests[i].Load())
	}
	header(w, "wasmlane_reloads_total", "counter", "Reloads of host.toml and the plugins, by result.")
	for i, result := range [...]string{"failure", "success"} {
		fmt.Fprintf(w, "wasmlane_reloads_total{result=%q} %d\n", result, m.reloads[i].Load())
	}
	for _, g := range m.gauges {
		header(w, g.Name, "gauge", g.Help)
		fmt.Fprintf(w, "%s %g\n", g.Name, g.Value())
	}
}

func header(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}
