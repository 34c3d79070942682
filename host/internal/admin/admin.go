// Package admin answers the operator's requests on a listener of their own:
// health, readiness, metrics, what the host is made of, reload, upload and the dashboard.
// docs/operations.md describes it.
package admin

import (
	"bytes"
	"io"
	"net"
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
	// Metrics returns the Prometheus text format.
	Metrics func() []byte

	// What the GET requests show; it is encoded as JSON.
	Plugins    func() any
	Plugin     func(name string) (document any, ok bool)
	Services   func() any
	Routes     func() any
	Config     func() any
	Generation func() any
	// Logs returns the last lines of a plugin, or of all when it is "".
	Logs func(plugin string, limit int) any

	// Page answers with a file of the dashboard, and reports whether there is one at
	// that path. It shows nothing of the host, so it needs no token: it asks for one.
	Page func(ctx *fasthttp.RequestCtx, path string) bool
	// Events answers with the stream of events that the dashboard shows.
	Events func(ctx *fasthttp.RequestCtx)

	// Reload reloads, and reports whether that succeeded.
	Reload func() (document any, ok bool)
	// MayUpload reports whether Upload may be called. It never is without a Token.
	MayUpload func() bool
	// Upload puts a module in the place of a plugin's file and serves it. size is
	// what the client announced, or -1. When it has not read the body, it returns
	// an error status.
	Upload func(name string, size int, body io.Reader) (status int, document any)
	// Hangup ends the connection after the answer, for a client that may still be
	// sending.
	Hangup func(ctx *fasthttp.RequestCtx)
}

// Handler returns the listener's handler.
func Handler(o Options) fasthttp.RequestHandler {
	host := o.Listen
	if h, _, err := net.SplitHostPort(o.Listen); err == nil {
		host = h
	}
	return func(ctx *fasthttp.RequestCtx) {
		// Nothing here is to be found in a cache, or taken for another type.
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
		ctx.Response.Header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
		if reason := foreign(ctx, host); reason != "" {
			answer(ctx, fasthttp.StatusForbidden, failure{reason})
		} else {
			o.serve(ctx)
		}
		if ctx.Request.IsBodyStream() && ctx.Response.StatusCode() >= 400 {
			o.Hangup(ctx) // the body may not have been read
		}
	}
}

// failure is the answer to what could not be done.
type failure struct {
	Error string `json:"error"`
}

// resource is what stands behind one path.
type resource struct {
	get, post, put func(ctx *fasthttp.RequestCtx)
	open           bool // to everybody who reaches the listener
}

// resource finds what a path names. Paths are taken as they are sent: nothing in
// one is decoded or folded, so that a name is a name.
func (o *Options) resource(path string) (r resource, ok bool) {
	show := func(document func() any) resource {
		return resource{get: func(ctx *fasthttp.RequestCtx) { answer(ctx, fasthttp.StatusOK, document()) }}
	}
	switch path {
	case "/", "/dashboard":
		r = resource{get: func(ctx *fasthttp.RequestCtx) { o.page(ctx, path) }, open: true}
	case "/events":
		r = resource{get: o.Events}
	case "/healthz":
		r = show(func() any { return map[string]string{"status": "ok"} })
		r.open = true
	case "/readyz":
		r = resource{get: o.ready, open: true}
	case "/metrics":
		r = resource{get: o.metrics}
	case "/plugins":
		r = show(o.Plugins)
	case "/services":
		r = show(o.Services)
	case "/routes":
		r = show(o.Routes)
	case "/config":
		r = show(o.Config)
	case "/generation":
		r = show(o.Generation)
	case "/logs":
		r = resource{get: o.logs}
	case "/reload":
		r = resource{post: o.reload}
	default:
		if strings.HasPrefix(path, "/dashboard/") {
			return resource{get: func(ctx *fasthttp.RequestCtx) { o.page(ctx, path) }, open: true}, true
		}
		name, found := strings.CutPrefix(path, "/plugins/")
		if !found || name == "" || strings.ContainsAny(name, "/%") {
			return r, false
		}
		r = resource{
			get: func(ctx *fasthttp.RequestCtx) { o.plugin(ctx, name) },
			put: func(ctx *fasthttp.RequestCtx) { o.upload(ctx, name) },
		}
	}
	return r, true
}

func (o *Options) serve(ctx *fasthttp.RequestCtx) {
	r, ok := o.resource(string(ctx.URI().PathOriginal()))
	if !ok {
		notFound(ctx)
		return
	}
	var do func(ctx *fasthttp.RequestCtx)
	switch {
	case ctx.IsGet() || ctx.IsHead():
		do = r.get
	case ctx.IsPost():
		do = r.post
	case ctx.IsPut():
		do = r.put
	}
	switch {
	case do == nil:
		notAllowed(ctx, r)
	case r.open || o.authorized(ctx):
		do(ctx)
	}
}

func notFound(ctx *fasthttp.RequestCtx) {
	answer(ctx, fasthttp.StatusNotFound, failure{"not found; there are GET / /healthz /readyz /metrics /plugins " +
		"/plugins/NAME /services /routes /config /generation /logs /events, POST /reload and PUT /plugins/NAME"})
}

func notAllowed(ctx *fasthttp.RequestCtx, r resource) {
	var allow []string
	if r.get != nil {
		allow = append(allow, "GET, HEAD")
	}
	if r.post != nil {
		allow = append(allow, "POST")
	}
	if r.put != nil {
		allow = append(allow, "PUT")
	}
	answer(ctx, fasthttp.StatusMethodNotAllowed, failure{"method not allowed; see Allow"})
	ctx.Response.Header.Set(fasthttp.HeaderAllow, strings.Join(allow, ", "))
}

func (o *Options) page(ctx *fasthttp.RequestCtx, path string) {
	if !o.Page(ctx, path) {
		notFound(ctx)
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
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	ctx.SetBody(o.Metrics())
}

func (o *Options) plugin(ctx *fasthttp.RequestCtx, name string) {
	document, ok := o.Plugin(name)
	if !ok {
		answer(ctx, fasthttp.StatusNotFound, failure{"no such plugin; GET /plugins lists those there are"})
		return
	}
	answer(ctx, fasthttp.StatusOK, document)
}

// Lines of the log that one request can ask for, and what it gets without asking.
const (
	mostLines    = 1000
	defaultLines = 100
)

func (o *Options) logs(ctx *fasthttp.RequestCtx) {
	query := ctx.QueryArgs()
	limit := defaultLines
	if query.Has("limit") {
		n, err := query.GetUint("limit")
		if err != nil || n < 1 || n > mostLines {
			answer(ctx, fasthttp.StatusBadRequest, failure{"limit must be a number of lines, 1 to 1000"})
			return
		}
		limit = n
	}
	answer(ctx, fasthttp.StatusOK, o.Logs(string(query.Peek("plugin")), limit))
}

func (o *Options) reload(ctx *fasthttp.RequestCtx) {
	document, ok := o.Reload()
	if !ok {
		answer(ctx, fasthttp.StatusUnprocessableEntity, document)
		return
	}
	answer(ctx, fasthttp.StatusOK, document)
}

func (o *Options) upload(ctx *fasthttp.RequestCtx, name string) {
	switch {
	case o.Token == "":
		answer(ctx, fasthttp.StatusForbidden, failure{"uploads need a token; set admin.token and admin.upload = true, and start the host again"})
		return
	case !o.MayUpload():
		answer(ctx, fasthttp.StatusForbidden, failure{"uploads are off; set admin.upload = true"})
		return
	}
	size := ctx.Request.Header.ContentLength()
	body := ctx.RequestBodyStream()
	if body == nil {
		body = bytes.NewReader(ctx.Request.Body())
	}
	status, document := o.Upload(name, max(size, -1), body)
	answer(ctx, status, document)
}
