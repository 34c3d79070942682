package admin

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// authorized checks the bearer token in constant time, and answers 401 itself.
func (o *Options) authorized(ctx *fasthttp.RequestCtx) bool {
	if o.Token == "" {
		return true
	}
	given, isBearer := bytes.CutPrefix(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization), []byte("Bearer "))
	if isBearer && subtle.ConstantTimeCompare(given, []byte(o.Token)) == 1 {
		return true
	}
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, "Bearer")
	answer(ctx, fasthttp.StatusUnauthorized, failure{"send Authorization: Bearer with the token of [admin]"})
	return false
}

// foreign says why a request looks like one that a web page made, "" when it
// does not. A browser on the operator's machine reaches loopback addresses; a
// page must not use that. Its own Origin tells a plain cross-site request, and a
// Host that is a name tells one through a name that resolves to loopback.
func foreign(ctx *fasthttp.RequestCtx, listen string) string {
	authority := string(ctx.Host())
	host := authority
	if h, _, err := net.SplitHostPort(authority); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if !strings.EqualFold(host, "localhost") && !strings.EqualFold(host, listen) && net.ParseIP(host) == nil {
		return "Host must be this listener's address, localhost or an IP address"
	}
	origin := string(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))
	if origin == "" {
		return ""
	}
	if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, authority) {
		return "requests from another site are refused"
	}
	return ""
}

// answer answers with a JSON document, for people to read.
func answer(ctx *fasthttp.RequestCtx, status int, document any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		status = fasthttp.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error": "internal error"}` + "\n")
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(body.Bytes())
}
