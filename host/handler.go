package host

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// Handler returns the handler that serves the routes. A server that mounts it
// should set StreamRequestBody, so that max_body and body_memory hold before a
// body is in memory.
func (h *Host) Handler() fasthttp.RequestHandler { return h.handle }

// handle serves one request from its first to its last byte.
func (h *Host) handle(ctx *fasthttp.RequestCtx) {
	x := exchange.Acquire()
	h.inFlight.Add(1)
	streams := false
	var g *generation.Generation
	defer func() {
		// The HTTP library does not recover panics: one would end the process.
		if r := recover(); r != nil {
			h.log.Error("panic in the host; please report it",
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			x.Fail(fasthttp.StatusInternalServerError, "internal error")
			x.Hangup()
		}
		if !streams {
			h.finish(x, g)
		}
	}()

	err := x.Begin(ctx, connOf(ctx))
	if err != nil {
		x.Fail(fasthttp.StatusBadRequest, err.Error())
		x.Hangup()
		return
	}
	if g = h.current.Acquire(); g == nil {
		x.Fail(fasthttp.StatusServiceUnavailable, "the host is shutting down")
		x.Hangup()
		return
	}
	streams = g.Serve(x, func() { h.finish(x, g) })
}

// finish is the end of every request: the access log, the counters, and what it
// held.
func (h *Host) finish(x *exchange.Exchange, g *generation.Generation) {
	status := x.Response.StatusCode()
	if x.Counter == nil {
		x.Counter = h.counters.unrouted
	}
	x.Count(status)
	access := h.first.Log.Access
	if g != nil {
		access = g.Config.Log.Access
	}
	if access {
		h.access(x, status)
	}
	x.Release()
	if g != nil {
		g.Release()
	}
	h.inFlight.Add(-1)
}

// access writes the access line. The query is left out: tokens travel there.
func (h *Host) access(x *exchange.Exchange, status int) {
	if !h.requests.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	r := &x.Request
	attrs := [9]slog.Attr{
		slog.String("method", string(r.Method)),
		slog.String("path", string(r.Path)),
		slog.Int("status", status),
		slog.Duration("took", time.Since(x.Start).Round(time.Microsecond)),
		slog.Int64("bytes", x.Sent()),
		slog.String("remote", r.Remote()),
		slog.String("request_id", string(r.ID)),
		slog.String("handler", x.Handled()),
	}
	n := len(attrs) - 1
	if reason := x.Reason(); reason != "" {
		attrs[n] = slog.String("reason", reason)
		n++
	}
	h.requests.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs[:n]...)
}

// connOf returns what the exchange needs of a connection of our own server, or
// nil under somebody else's.
func connOf(ctx *fasthttp.RequestCtx) exchange.Conn {
	if c := server.ConnOf(ctx.Conn()); c != nil {
		return c
	}
	return nil
}

// refuse answers what the HTTP library could not read as a request.
func (h *Host) refuse(ctx *fasthttp.RequestCtx, status int, message string) {
	id := exchange.NewID()
	exchange.WriteError(&ctx.Response, status, message, id)
	h.counters.unrouted.Refused(status)
	if h.first.Log.Access {
		h.requests.Info("request", slog.Int("status", status), slog.String("reason", message),
			slog.String("remote", ctx.RemoteAddr().String()), slog.String("request_id", string(id)))
	}
}
