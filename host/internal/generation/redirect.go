package generation

import (
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/call"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
)

// callOutbound sends a call to an origin that the plugin is granted, and on to where
// it is redirected, as far as the plugin's settings allow. Every hop is a call of
// its own, granted and checked on its address like the first; the deadline and
// max_response are those of all of them together.
func (g *Generation) callOutbound(x *exchange.Exchange, origin string, private bool, p *config.Plugin, r *exchange.CallRequest, resp *fasthttp.Response) abi.Code {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	r.CopyTo(req)
	ctx, stop := x.Watched()
	defer stop()
	for hops, read := 0, int64(0); ; hops++ {
		if err := g.builder.Client.Do(ctx, origin, private, req, resp); err != nil {
			return g.callFailed(x, origin, err)
		}
		if p.Redirects == 0 {
			return 0 // the plugin sees to it
		}
		read += int64(len(resp.Body()))
		if hops > 0 && read > g.Config.Server.MaxResponse {
			return g.callFailed(x, origin, fmt.Errorf("%w: with the redirects before it, it is over %d bytes", call.ErrTooLarge, g.Config.Server.MaxResponse))
		}
		hop, redirected, err := call.NextHop(origin, req, resp)
		if err != nil {
			return g.callFailed(x, origin, err)
		}
		if !redirected {
			return 0
		}
		if hops == p.Redirects {
			return g.callFailed(x, origin, fmt.Errorf("%w: redirected more than %d times; raise redirects of [plugin.%s] if that is meant", call.ErrUnavailable, p.Redirects, p.Name))
		}
		next, nextPrivate, granted := outbound(hop.Origin, p.Outbound)
		if !granted {
			return g.callFailed(x, origin, fmt.Errorf("%w: redirected to %.100q, which is not granted; add it to outbound of [plugin.%s] if that is meant", call.ErrDenied, hop.Origin, p.Name))
		}
		hop.Prepare(req, next == origin)
		origin, private = next, nextPrivate
	}
}
