// Package admin answers the operator's requests on a listener of their own:
// health, readiness, metrics, the loaded plugins, and reload.
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

// Options is what the admin listener shows and does. No field may be nil.
type Options struct {
	// Listen is the address the listener was given, for the check of Host.
	Listen string
	// Token, when not empty, must come as "Authorization: Bearer TOKEN" with
	// every request but those for /healthz and /readyz.
	Token string
	// Ready returns why the host is not ready, "" when it is.
	Ready func() string
	// Metrics writes the Prometheus text format.
	Metrics func(w *bytes.Buffer)
	// Plugins returns what GET /plugins shows; it is encoded as JSON.
	Plugins func() any
	// Reload reloads, and returns every error when that failed.
	Reload func() (generation int64, problems []string)
}

// Handler returns the listener's handler.
func Handler(o Options) fasthttp.RequestHandler {
	host := o.Listen
	if h, _, err := net.SplitHostPort(o.Listen); err == nil {
		host = h
	}
	return func(ctx *fasthttp.RequestCtx) {
		if reason := foreign(ctx, host); reason != "" {
			answer(ctx, fasthttp.StatusForbidden, failure{reason})
			return
		}
		o.serve(ctx)
	}
}

type failure struct {
	Error string `json:"error"`
}

func (o *Options) serve(ctx *fasthttp.RequestCtx) {
	switch path := string(ctx.Path()); path {
	case "/healthz", "/readyz", "/metrics", "/plugins":
		if !ctx.IsGet() && !ctx.IsHead() {
			notAllowed(ctx, "GET, HEAD")
			return
		}
		if path == "/healthz" {
			answer(ctx, fasthttp.StatusOK, map[string]string{"status": "ok"})
			return
		}
		if path == "/readyz" {
			o.ready(ctx)
			return
		}
		if !o.authorized(ctx) {
			return
		}
		if path == "/metrics" {
			o.metrics(ctx)
			return
		}
		answer(ctx, fasthttp.StatusOK, o.Plugins())
	case "/reload":
		if !ctx.IsPost() {
			notAllowed(ctx, "POST")
			return
		}
		if o.authorized(ctx) {
			o.reload(ctx)
		}
	default:
		answer(ctx, fasthttp.StatusNotFound,
			failure{"not found; there are GET /healthz /readyz /metrics /plugins and POST /reload"})
	}
}

func (o *Options) ready(ctx *fasthttp.RequestCtx) {
	if reason := o.Ready(); reason != "" {
		answer(ctx, fasthttp.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": reason})
		return
	}
	answer(ctx, fasthttp.StatusOK, map[string]string{"status": "ready"})
}

func (o *Options) metrics(ctx *fasthttp.RequestCtx) {
	var text bytes.Buffer
	o.Metrics(&text)
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	ctx.SetBody(text.Bytes())
}

func (o *Options) reload(ctx *fasthttp.RequestCtx) {
	generation, problems := o.Reload()
	if len(problems) > 0 {
		answer(ctx, fasthttp.StatusUnprocessableEntity, map[string]any{
			"error":  "nothing was changed; the generation before still serves",
			"errors": problems, "generation": generation,
		})
		return
	}
	answer(ctx, fasthttp.StatusOK, map[string]any{"status": "reloaded", "generation": generation})
}

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

func notAllowed(ctx *fasthttp.RequestCtx, allow string) {
	answer(ctx, fasthttp.StatusMethodNotAllowed, failure{"method not allowed; see Allow"})
	ctx.Response.Header.Set(fasthttp.HeaderAllow, allow)
}

func answer(ctx *fasthttp.RequestCtx, status int, document any) {
	body, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		status, body = fasthttp.StatusInternalServerError, []byte(`{"error": "internal error"}`)
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}
