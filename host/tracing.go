package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/trace"
)

// lastSpans is how long the end of a host waits for the collector.
const lastSpans = 500 * time.Millisecond

// setTrace takes up [trace]. Open, Reload and Close call it, one at a time.
func (h *Host) setTrace(c config.Trace) {
	if c == h.tracing {
		return
	}
	h.tracing = c
	var next *trace.Tracer
	if c.OTLP != "" {
		next = trace.New(trace.Options{
			Service: c.Service, Version: h.options.Version, Ratio: c.Sample, Log: h.log, Counters: &h.spans,
			Send: func(ctx context.Context, message []byte) error { return h.export(ctx, c.OTLP, message) },
		})
	}
	if old := h.tracer.Swap(next); old != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lastSpans)
		defer cancel()
		old.Close(ctx)
	}
}

// export sends spans to a collector.
func (h *Host) export(ctx context.Context, origin string, message []byte) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI("/v1/traces")
	req.Header.SetContentType("application/json")
	req.SetBodyRaw(message)
	// The origin is the operator's own: it may be of this machine or network.
	if err := h.builder.Client.Do(ctx, origin, true, req, resp); err != nil {
		return err
	}
	if status := resp.StatusCode(); status/100 != 2 {
		return fmt.Errorf("%s: %w %d", origin, errCollector, status)
	}
	return nil
}

// errCollector is about an answer that is none of success.
var errCollector = errors.New("the collector answered")
