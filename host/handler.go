package host

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/logs"
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
	x.StartTrace(h.tracer.Load())
	if g = h.current.Acquire(); g == nil {
		x.Fail(fasthttp.StatusServiceUnavailable, "the host is shutting down")
		x.Hangup()
		return
	}
	streams = g.Serve(x)
}

// finish is the end of every request: the access log, the counters, and what it
// held.
func (h *Host) finish(x *exchange.Exchange, g *generation.Generation) {
	status, now := x.Response.StatusCode(), time.Now()
	if x.Counter == nil {
		x.Counter = h.counters.unrouted
	}
	x.Count(status, now)
	x.EndTrace(status, now)
	access := h.first.Log.Access
	if g != nil {
		access = g.Config.Log.Access
	}
	if access {
		h.access(x, status, now)
	}
	x.Release()
	if g != nil {
		g.Release()
	}
	h.inFlight.Add(-1)
}

// access writes the access line. The query is left out: tokens travel there.
func (h *Host) access(x *exchange.Exchange, status int, now time.Time) {
	if !h.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	r := &x.Request
	line := logs.Request{
		Time: now, Took: now.Sub(x.Start).Round(time.Microsecond),
		Method: r.Method, Path: r.Path, Status: status, Bytes: x.Sent(), Remote: r.Remote(), ID: r.ID,
		Handler: x.Handler, Reason: x.Reason(), Protocol: r.Protocol, Trace: x.TraceID(),
	}
	line.Referer, _ = r.Header("referer")
	line.Agent, _ = r.Header("user-agent")
	if x.Plugin != nil {
		line.Plugin = x.Plugin.Name
	}
	h.accessLog.Load().Log(&line)
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
	cfg := h.config()
	if cfg == nil {
		cfg = h.first
	}
	if cfg.Log.Access && h.log.Enabled(context.Background(), slog.LevelInfo) {
		h.accessLog.Load().Log(&logs.Request{
			Time: time.Now(), Unread: true, Status: status, Reason: message,
			Remote: exchange.RemoteOf(ctx), ID: id,
		})
	}
}
