// Package trace is distributed tracing without an SDK: the trace context that
// travels in headers (W3C Trace Context), and spans that go to a collector (OTLP
// over HTTP, in JSON).
package trace
