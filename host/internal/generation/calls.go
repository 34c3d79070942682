package generation

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/call"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/route"
)

// resolveTargets finds the counters of everything that plugins may call.
func (g *Generation) resolveTargets() {
	g.targets = map[string]CallCounter{"": g.counters.Target("")}
	for name := range g.services {
		g.targets[name] = g.counters.Target(name)
	}
	for _, p := range g.plugins {
		for _, origin := range p.Settings.Outbound {
			if g.targets[origin] == nil {
				g.targets[origin] = g.counters.Target(origin)
			}
		}
	}
}

// Call carries out a guest's call, and counts it. It implements exchange.Caller.
func (g *Generation) Call(x *exchange.Exchange, target []byte, req *exchange.CallRequest, resp *fasthttp.Response) abi.Code {
	start := time.Now()
	name, code := g.call(x, target, req, resp)
	g.targets[name].Call(resp.StatusCode(), code, time.Since(start))
	return code
}

// call is Call, and names the target for the counters: "" when it is none that the
// plugin may reach.
func (g *Generation) call(x *exchange.Exchange, target []byte, req *exchange.CallRequest, resp *fasthttp.Response) (string, abi.Code) {
	p := g.plugins[x.Plugin.Name]
	name := string(target)
	switch {
	case strings.Contains(name, "://"):
		origin, private, ok := outbound(name, p.Settings.Outbound)
		if !ok {
			return "", abi.Denied
		}
		return origin, g.callOutbound(x, origin, private, p.Settings, req, resp)
	case !config.IsName(name):
		return "", abi.Invalid
	case !slices.Contains(p.Settings.Calls, name):
		return "", abi.Denied
	}
	s := g.services[name]
	if s == nil {
		return "", abi.Unavailable // config refuses calls to services that are not declared
	}
	if s.config.Local() {
		return name, g.callLocal(x, s, target, req, resp)
	}
	return name, g.callService(x, s, req, resp)
}

// outbound finds an origin in a plugin's grants. An address that is private or
// this host's own is reached only when the grant names it literally, not when a
// granted name resolves to it.
func outbound(origin string, grants []string) (granted string, private, ok bool) {
	// Grants are in canonical form: lower case, no default port.
	canonical := strings.TrimSuffix(strings.ToLower(origin), "/")
	if scheme, _, _ := strings.Cut(canonical, ":"); scheme == "https" {
		canonical = strings.TrimSuffix(canonical, ":443")
	} else {
		canonical = strings.TrimSuffix(canonical, ":80")
	}
	i := slices.Index(grants, canonical)
	if i < 0 {
		return "", false, false
	}
	u, err := url.Parse(grants[i])
	if err != nil {
		return "", false, false
	}
	literal := net.ParseIP(u.Hostname()) != nil || u.Hostname() == "localhost"
	return grants[i], literal, true
}

// callLocal answers a call from this host's own routes, without a socket. The
// callee runs on the caller's goroutine, under its own limits and the caller's
// deadline.
func (g *Generation) callLocal(x *exchange.Exchange, s *service, target []byte, req *exchange.CallRequest, resp *fasthttp.Response) abi.Code {
	sub := exchange.Acquire()
	defer sub.Release()
	if err := sub.BeginCall(x, target, req, resp); err != nil {
		return abi.Invalid
	}
	if sub.Depth() > abi.MaxCallDepth {
		sub.Fail(fasthttp.StatusLoopDetected, "calls are nested too deep")
		g.log(x, slog.LevelWarn, "calls nested too deep", slog.String("chain", chain(x)+" -> "+string(target)))
		return 0
	}
	sub.StartTrace(x.Tracer())
	sub.SetDeadline(x.Deadline())
	found := g.table.Lookup(sub.Request.Method, sub.Request.Path, paramsOf(sub))
	switch {
	case found.Kind == route.BadPath:
		sub.Fail(fasthttp.StatusBadRequest, "malformed path: "+found.Err.Error())
	case found.Kind == route.MethodNotAllowed:
		sub.Fail(fasthttp.StatusMethodNotAllowed, "method not allowed; see Allow")
		resp.Header.Set(fasthttp.HeaderAllow, found.Allow)
	case found.Kind == route.Options:
		resp.SetStatusCode(fasthttp.StatusNoContent)
		resp.Header.Set(fasthttp.HeaderAllow, found.Allow)
	case found.Kind != route.Found, found.Value.plugin == nil, !slices.Contains(s.reach, found.Value.plugin.Name):
		sub.Fail(fasthttp.StatusNotFound, "no such route in this service")
	default:
		sub.Route, sub.Counter = found.Value.Config.Path, found.Value.count
		g.servePlugin(sub, found.Value)
	}
	now := time.Now()
	sub.Count(resp.StatusCode(), now)
	sub.EndTrace(resp.StatusCode(), now)
	switch {
	case x.Expired():
		return abi.Timeout
	case resp.StatusCode() == StatusClosed && sub.Reason() != "": // the host's, not the callee's own
		return abi.Closed
	}
	return 0
}

// callFailed logs why a call has no answer, and returns the guest's code for it.
func (g *Generation) callFailed(x *exchange.Exchange, origin string, err error) abi.Code {
	g.log(x, slog.LevelWarn, "call failed", slog.String("target", origin), slog.Any("error", err))
	return codeOf(err)
}

// codeOf is what a guest gets to know of a call without an answer.
func codeOf(err error) abi.Code {
	switch {
	case errors.Is(err, call.ErrNoConnection): // in the time that a connection may take, for one
		return abi.Unavailable
	case errors.Is(err, context.DeadlineExceeded):
		return abi.Timeout
	case errors.Is(err, context.Canceled):
		return abi.Closed
	case errors.Is(err, call.ErrTooLarge):
		return abi.TooLarge
	case errors.Is(err, call.ErrDenied):
		return abi.Denied
	case errors.Is(err, call.ErrRequest):
		return abi.Invalid
	}
	return abi.Unavailable
}
