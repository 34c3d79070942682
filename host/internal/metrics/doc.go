// Package metrics counts what a host does and writes it in the Prometheus text
// exposition format (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// Counting is done where a request passes by, on structures that were looked up
// and labelled before: it is a few atomic additions, and allocates nothing.
// Everything else, gauges above all, is read when somebody scrapes.
package metrics
