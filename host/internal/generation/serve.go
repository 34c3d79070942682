package generation

import (
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/route"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
)

// Serve answers x. When the response streams it reports true, and Builder.OnEnd is
// called when all is over; otherwise the response is complete on return and OnEnd
// is not called.
func (g *Generation) Serve(x *exchange.Exchange) (streams bool) {
	params := paramsOf(x)
	if g.cors && string(x.Request.Method) == fasthttp.MethodOptions && g.preflight(x, params) {
		x.SkipBody()
		return false
	}
	found := g.table.Lookup(x.Request.Method, x.Request.Path, params)
	r := found.Value
	switch found.Kind {
	case route.NotFound:
		x.Fail(fasthttp.StatusNotFound, "no such route")
	case route.BadPath:
		x.Fail(fasthttp.StatusBadRequest, "malformed path: "+found.Err.Error())
		x.Hangup()
	case route.MethodNotAllowed:
		x.Fail(fasthttp.StatusMethodNotAllowed, "method not allowed; see Allow")
		x.Response.Header.Set(fasthttp.HeaderAllow, found.Allow)
	case route.Options:
		x.Response.SetStatusCode(fasthttp.StatusNoContent)
		x.Response.Header.Set(fasthttp.HeaderAllow, found.Allow)
	default:
		x.Route, x.Counter = r.Config.Path, r.count
		if r.rules != nil {
			return g.serveByRules(x, r)
		}
		return g.serveRoute(x, r)
	}
	x.SkipBody()
	return false
}

// serveByRules is serveRoute for a route that has rules.
func (g *Generation) serveByRules(x *exchange.Exchange, r *Route) (streams bool) {
	if r.rules.admit(x) {
		streams = g.serveRoute(x, r)
	} else {
		r.name(x)
		x.SkipBody()
	}
	r.rules.dress(x, streams)
	return streams
}

func (g *Generation) serveRoute(x *exchange.Exchange, r *Route) (streams bool) {
	if r.builtin == nil {
		return g.servePlugin(x, r)
	}
	r.name(x)
	r.builtin(x)
	x.SkipBody()
	return false
}

// paramsOf returns the params of a pooled exchange, made at its first use.
func paramsOf(x *exchange.Exchange) *route.Params {
	params, ok := x.Params.(*route.Params)
	if !ok {
		params = new(route.Params)
		x.Params = params
	}
	return params
}

func (g *Generation) servePlugin(x *exchange.Exchange, r *Route) (streams bool) {
	r.name(x)
	if r.err != nil {
		x.Fail(fasthttp.StatusServiceUnavailable, "the plugin of this route is not loaded")
		x.SkipBody()
		return false
	}
	if err := x.ReadBody(r.maxBody, g.builder.Budget); err != nil {
		g.refuseBody(x, r, err)
		return false
	}
	if r.timeout > 0 {
		x.Limit(x.Whole().Add(r.timeout))
	}
	x.LimitByCaller()
	x.Caller = g
	if r.plugin.streams && x.CanStream() {
		return x.RunStreaming(func() bool { return g.run(x, r.plugin, r.Config.Export) },
			func() { g.builder.OnEnd(x, g) })
	}
	g.run(x, r.plugin, r.Config.Export)
	return false
}

// Run has the plugin's handler answer x, whatever the routes say, and reports
// whether it succeeded.
func (g *Generation) Run(x *exchange.Exchange, p *Plugin, export string) bool {
	x.Plugin, x.Handler, x.Caller = p.view, export, g
	x.Limit(time.Now().Add(p.Settings.Timeout))
	return g.run(x, p, export)
}

// run takes an instance, calls the handler, and turns what went wrong into an
// answer and a log line. It reports whether the handler succeeded.
func (g *Generation) run(x *exchange.Exchange, p *Plugin, export string) (ok bool) {
	nested := inChain(x.Parent(), p)
	instance, err := p.pool.Get(x.Context(), x.Deadline(), nested)
	if err != nil {
		g.noInstance(x, p, err, nested)
		return false
	}
	outcome := sandbox.Failed
	span := x.BeginRun()
	defer func() {
		x.EndGuest()
		p.pool.Put(instance, outcome)
		// A host function's bug must not take the process along, nor the worker
		// goroutine of a stream.
		if r := recover(); r != nil {
			g.panicked(x, r)
			ok = false
		}
		x.EndRun(span, ok)
	}()
	if export == config.CGI {
		outcome, err = runCommand(x, instance)
	} else if err = instance.Call(x.Context(), export, x.Deadline()); err == nil {
		outcome = sandbox.Clean
	}
	if err != nil {
		g.failed(x, err, time.Since(x.Whole())-instance.Queued())
		return false
	}
	if x.Overflowed() {
		g.overflowed(x)
		return false
	}
	return true
}

// inChain reports whether p serves an exchange that waits for this one.
func inChain(x *exchange.Exchange, p *Plugin) bool {
	for ; x != nil; x = x.Parent() {
		if x.Plugin == p.view {
			return true
		}
	}
	return false
}

// refuseBody answers a request whose body was not read to its end; the
// connection cannot be used for another.
func (g *Generation) refuseBody(x *exchange.Exchange, r *Route, err error) {
	reason := err.Error()
	switch {
	case errors.Is(err, exchange.ErrBodyTooLarge):
		key := "server.max_body"
		if r.Config.MaxBody > 0 {
			key = "max_body of the route"
		}
		reason = fmt.Sprintf("body over %s, %d bytes", key, r.maxBody)
		x.Fail(fasthttp.StatusRequestEntityTooLarge, reason)
	case errors.Is(err, exchange.ErrBodyMemory):
		x.Fail(fasthttp.StatusServiceUnavailable, reason)
		x.Response.Header.Set(fasthttp.HeaderRetryAfter, "1")
	case errors.Is(err, exchange.ErrBodyTimeout):
		x.Fail(fasthttp.StatusRequestTimeout, reason)
	default:
		x.Fail(fasthttp.StatusBadRequest, reason)
	}
	g.logBody(x, r, reason, err)
	x.Hangup()
}
