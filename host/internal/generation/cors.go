package generation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
)

// cors says which pages of other origins may read the answers of a route. It
// protects the users of browsers, not the route: a request is served whoever sent
// it, and the browser keeps the answer from the page.
type cors struct {
	origins     []string // as browsers write them: in the form that config has
	any         bool     // all; then origins is empty
	methods     string   // of the route; "" for any
	headers     string   // that requests may have
	anyHeader   bool
	expose      string // headers of answers that pages may read
	credentials bool
	maxAge      string // in seconds
}

func newCORS(c *config.Route) *cors {
	return &cors{
		origins:     c.CORSOrigins,
		any:         slices.Contains(c.CORSOrigins, "*"),
		methods:     strings.Join(c.Methods, ", "),
		headers:     strings.Join(c.CORSHeaders, ", "),
		anyHeader:   slices.Contains(c.CORSHeaders, "*"),
		expose:      strings.Join(c.CORSExpose, ", "),
		credentials: c.CORSCredentials,
		maxAge:      strconv.Itoa(int(c.CORSMaxAge / time.Second)),
	}
}

func (c *cors) allows(origin []byte) bool {
	if c.any {
		return true
	}
	for _, o := range c.origins {
		if o == string(origin) {
			return true
		}
	}
	return false
}

// preflight fills the answer to a preflight request that is allowed.
func (c *cors) preflight(x *exchange.Exchange, method []byte) {
	h := &x.Response.Header
	c.allow(x)
	if c.methods != "" {
		h.Set(fasthttp.HeaderAccessControlAllowMethods, c.methods)
	} else {
		h.SetBytesV(fasthttp.HeaderAccessControlAllowMethods, method)
	}
	if c.anyHeader { // "*" would not mean Authorization
		if asked, n := x.Request.Header("access-control-request-headers"); n == 1 {
			h.SetBytesV(fasthttp.HeaderAccessControlAllowHeaders, asked)
		}
	} else if c.headers != "" {
		h.Set(fasthttp.HeaderAccessControlAllowHeaders, c.headers)
	}
	h.Set(fasthttp.HeaderAccessControlMaxAge, c.maxAge)
}

// dress fills the answer to any other request. What the handler has set of these
// headers gives way.
func (c *cors) dress(x *exchange.Exchange) {
	h := &x.Response.Header
	h.Del(fasthttp.HeaderAccessControlAllowOrigin)
	h.Del(fasthttp.HeaderAccessControlAllowCredentials)
	h.Del(fasthttp.HeaderAccessControlExposeHeaders)
	if !c.any {
		// Also without an Origin: a cache must not give that answer to a page.
		addVary(h, "Origin")
		if origin, n := x.Request.Header("origin"); n != 1 || !c.allows(origin) {
			return
		}
	}
	c.allow(x)
	if c.expose != "" {
		h.Set(fasthttp.HeaderAccessControlExposeHeaders, c.expose)
	}
}

// allow names the origin of the request.
func (c *cors) allow(x *exchange.Exchange) {
	h := &x.Response.Header
	if c.any {
		h.Set(fasthttp.HeaderAccessControlAllowOrigin, "*")
		return
	}
	origin, _ := x.Request.Header("origin")
	h.SetBytesV(fasthttp.HeaderAccessControlAllowOrigin, origin)
	if c.credentials {
		h.Set(fasthttp.HeaderAccessControlAllowCredentials, "true")
	}
}

// addVary says that the answer depends on a header of the request.
func addVary(h *fasthttp.ResponseHeader, name string) {
	for _, value := range h.PeekAll(fasthttp.HeaderVary) {
		for item := range strings.SplitSeq(string(value), ",") {
			if item = strings.TrimSpace(item); item == "*" || strings.EqualFold(item, name) {
				return
			}
		}
	}
	h.Add(fasthttp.HeaderVary, name)
}
