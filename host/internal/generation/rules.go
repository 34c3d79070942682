package generation

import (
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/route"
	"github.com/wasmlane/wasmlane/host/internal/traffic"
)

// rules are what a route has around its handler. A route without any has none, and
// pays for looking at a nil pointer. They are for clients: a call from another
// plugin of this host meets only max_body and timeout.
type rules struct {
	limiter *traffic.Limiter // nil: no limit
	rate    traffic.Rate
	by      string // the header that names a client; "": its address

	cors     *cors
	compress *compress
	headers  []header
}

type header struct{ name, value string }

// newRules returns the rules of a route, or nil.
func (b *Builder) newRules(c *config.Route) *rules {
	r := new(rules)
	if c.Rate.On() {
		if b.Limiter == nil {
			b.Limiter = traffic.NewLimiter()
		}
		r.limiter, r.by = b.Limiter, c.RateBy
		r.rate = traffic.Rate{Every: c.Rate.Every(), Burst: c.RateBurst, Salt: b.Limiter.Salt(strings.Join(c.Methods, " ") + " " + c.Path)}
		if r.rate.Burst == 0 {
			r.rate.Burst = c.Rate.PerSecond()
		}
	}
	if len(c.CORSOrigins) > 0 {
		r.cors = newCORS(c)
	}
	if c.Compress {
		r.compress = &compress{least: int(c.CompressMin), types: c.CompressTypes}
	}
	for name, value := range c.Headers {
		r.headers = append(r.headers, header{name, value})
	}
	if r.limiter == nil && r.cors == nil && r.compress == nil && r.headers == nil {
		return nil
	}
	return r
}

// admit takes a token for the client, or answers 429.
func (r *rules) admit(x *exchange.Exchange) bool {
	if r.limiter == nil {
		return true
	}
	var key traffic.Key
	if value, n := x.Request.Header(r.by); n > 0 && r.by != "" {
		key = r.limiter.Text(value)
	} else { // a client without the header is one of its address
		key = r.limiter.Address(x.Request.RemoteIP())
	}
	wait, ok := r.limiter.Take(&r.rate, key, x.Start.Sub(r.limiter.Began))
	if !ok {
		x.Fail(fasthttp.StatusTooManyRequests, "too many requests")
		x.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	return ok
}

// dress gives an answer the headers that host.toml asks for, and compresses it
// unless it streams: a stream is sent when its guest says so, and a coder would
// keep the end of each chunk to itself.
func (r *rules) dress(x *exchange.Exchange, streams bool) {
	r.addHeaders(x)
	if r.cors != nil {
		r.cors.dress(x)
	}
	if r.compress != nil && !streams {
		r.compress.dress(x)
	}
}

// addHeaders sets the headers of host.toml. What the handler has set of the same
// names gives way, all of it.
func (r *rules) addHeaders(x *exchange.Exchange) {
	for i := range r.headers {
		x.Response.Header.Del(r.headers[i].name)
		x.Response.Header.Set(r.headers[i].name, r.headers[i].value)
	}
}

// preflight answers a browser that asks whether a page may send a request (Fetch
// standard, section "CORS-preflight request"). It reports false for all else, and
// where the route that is asked about has no CORS.
func (g *Generation) preflight(x *exchange.Exchange, params *route.Params) bool {
	origin, n := x.Request.Header("origin")
	method, m := x.Request.Header("access-control-request-method")
	if n != 1 || m != 1 {
		return false
	}
	found := g.table.Lookup(method, x.Request.Path, params)
	r := found.Value
	if found.Kind != route.Found || r.rules == nil || r.rules.cors == nil {
		return false
	}
	x.Route, x.Counter = r.Config.Path, r.count
	r.name(x)
	c, h := r.rules.cors, &x.Response.Header
	if c.allows(origin) {
		x.Response.SetStatusCode(fasthttp.StatusNoContent)
		c.preflight(x, method)
	} else {
		x.Fail(fasthttp.StatusForbidden, "pages of this origin may not use the route")
	}
	r.rules.addHeaders(x)
	h.Set(fasthttp.HeaderVary, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	return true
}
