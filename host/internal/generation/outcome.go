package generation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// StatusClosed is what the access log shows for a request whose client went
// away before the answer. It never reaches a client.
const StatusClosed = 499

// failed answers for a guest that did not return, and says why in the log. The
// client learns the kind of failure only.
func (g *Generation) failed(x *exchange.Exchange, err error, ran time.Duration) {
	var (
		trap   *sandbox.Trap
		misuse *exchange.Misuse
		exit   wasi.ExitError
		output *exchange.CGIError
	)
	kind, reason := sandbox.Trapped, err.Error()
	if errors.As(err, &trap) {
		kind, reason = trap.Kind, trap.Reason
	}
	switch {
	case errors.Is(err, exchange.ErrClosed), kind == sandbox.Canceled:
		x.Fail(StatusClosed, "client closed the connection")
		g.log(x, slog.LevelInfo, "client went away", slog.Duration("ran", ran))
		return
	case errors.Is(err, exchange.ErrDeadline), kind == sandbox.Deadline:
		x.Fail(fasthttp.StatusGatewayTimeout, "the handler did not answer in time")
		g.remember(x, sandbox.Deadline, reason, trap)
		store, calls, sleep := x.Waited()
		g.log(x, slog.LevelError, "deadline passed",
			slog.Duration("ran", ran), slog.Duration("waited_store", store),
			slog.Duration("waited_calls", calls), slog.Duration("slept", sleep))
		return
	case errors.Is(err, sandbox.ErrStackLimit):
		reason = "stack limit"
	case errors.As(err, &misuse):
		reason = "host function misused: " + misuse.Error()
	case errors.As(err, &output):
		reason = output.Error()
	case errors.As(err, &exit):
		reason = fmt.Sprintf("guest exited with code %d", exit.Code)
	}
	g.remember(x, sandbox.Trapped, reason, trap)
	x.Fail(fasthttp.StatusInternalServerError, "the handler failed")
	attrs := []slog.Attr{slog.String("reason", reason)}
	if trap != nil && trap.Stack != "" && output == nil {
		attrs = append(attrs, slog.String("wasm_stack", trap.Stack))
	}
	if trap != nil && trap.MemoryLimit > 0 {
		attrs = append(attrs, slog.String("memory_refused", fmt.Sprintf(
			"it asked for more than memory = %d bytes; raise memory in [plugin.%s] if it is meant to", trap.MemoryLimit, x.Plugin.Name)))
	}
	g.log(x, slog.LevelError, "handler failed", attrs...)
}

// remember keeps a failure for the operator. trap may be nil.
func (g *Generation) remember(x *exchange.Exchange, kind sandbox.Kind, reason string, trap *sandbox.Trap) {
	f := Failure{Handler: x.Handler, RequestID: string(x.Request.ID), Kind: kind.String(), Reason: reason}
	if trap != nil {
		f.Stack = trap.Stack
	}
	g.plugins[x.Plugin.Name].record.failed(f)
}

// noInstance answers when the pool had none to give.
func (g *Generation) noInstance(x *exchange.Exchange, p *Plugin, err error, nested bool) {
	switch {
	case errors.Is(err, sandbox.ErrBusy) && nested:
		x.Fail(fasthttp.StatusServiceUnavailable, "no free instance for a call back into the same plugin")
		g.log(x, slog.LevelWarn, "no instance free for a nested call", slog.String("chain", chain(x)))
	case errors.Is(err, sandbox.ErrBusy):
		x.Fail(fasthttp.StatusServiceUnavailable, "all instances are busy")
		stats := p.Stats()
		g.log(x, slog.LevelWarn, "no instance free within queue",
			slog.Int("instances", stats.Limit), slog.Int("in_flight", stats.InUse),
			slog.Duration("queue", p.Settings.Queue))
	case errors.Is(err, context.DeadlineExceeded):
		x.Fail(fasthttp.StatusGatewayTimeout, "no instance was free in time")
		g.log(x, slog.LevelWarn, "deadline passed while waiting for an instance")
		return
	case errors.Is(err, context.Canceled):
		x.Fail(StatusClosed, "client closed the connection")
		return
	default:
		x.Fail(fasthttp.StatusServiceUnavailable, "no instance can be made")
		g.log(x, slog.LevelError, "no instance", slog.Any("error", err))
	}
	x.Response.Header.Set(fasthttp.HeaderRetryAfter, "1")
}

// overflowed answers for a response that is not whole.
func (g *Generation) overflowed(x *exchange.Exchange) {
	x.Fail(fasthttp.StatusInternalServerError, "the response is too large")
	g.log(x, slog.LevelError, "response over server.max_response; raise it, or have the handler flush",
		slog.Int64("max_response", x.Plugin.MaxResponse), slog.Int64("written", x.Written()))
}

// panicked answers for a bug of the host's own.
func (g *Generation) panicked(x *exchange.Exchange, value any) {
	x.Fail(fasthttp.StatusInternalServerError, "internal error")
	g.log(x, slog.LevelError, "panic in the host; please report it",
		slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
}

func (g *Generation) logBody(x *exchange.Exchange, r *Route, reason string, err error) {
	attrs := []slog.Attr{slog.String("reason", reason), slog.Int64("size", x.Request.BodySize)}
	switch {
	case errors.Is(err, exchange.ErrBodyTooLarge):
		attrs = append(attrs, slog.Int64("max_body", r.maxBody))
	case errors.Is(err, exchange.ErrBodyMemory):
		attrs = append(attrs, slog.Int64("held", g.builder.Budget.Used()),
			slog.Int64("body_memory", g.Config.Server.BodyMemory))
	}
	g.log(x, slog.LevelWarn, "request body refused", attrs...)
}

// log writes a line about a request to a plugin.
func (g *Generation) log(x *exchange.Exchange, level slog.Level, text string, attrs ...slog.Attr) {
	first := []slog.Attr{
		slog.String("plugin", x.Plugin.Name),
		slog.String("handler", x.Handler),
		slog.String("request_id", string(x.Request.ID)),
	}
	if id := x.TraceID(); len(id) > 0 {
		first = append(first, slog.String("trace_id", string(id)))
	}
	g.builder.Log.LogAttrs(context.Background(), level, text, append(first, attrs...)...)
}

// chain names the handlers of a nest of calls, the client's first.
func chain(x *exchange.Exchange) string {
	var names []string
	for ; x != nil; x = x.Parent() {
		names = append([]string{x.Plugin.Name + "." + x.Handler}, names...)
	}
	return strings.Join(names, " -> ")
}
