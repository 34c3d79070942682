package admin

import (
	"bytes"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func options() Options {
	return Options{
		Listen:  "127.0.0.1:9001",
		Ready:   func() string { return "" },
		Metrics: func(w *bytes.Buffer) { w.WriteString("up 1\n") },
		Plugins: func() any { return map[string]any{"plugins": []string{"user"}} },
		Reload:  func() (int64, []string) { return 2, nil },
	}
}

// do sends one request, given as "METHOD PATH" and headers "Name: value".
func do(o Options, line string, headers ...string) *fasthttp.Response {
	var ctx fasthttp.RequestCtx
	method, path, _ := strings.Cut(line, " ")
	ctx.Request.Header.SetMethod(method)
	ctx.Request.SetRequestURI(path)
	ctx.Request.Header.SetHost("127.0.0.1:9001")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		ctx.Request.Header.Set(name, value)
	}
	Handler(o)(&ctx)
	return &ctx.Response
}

func TestAnswers(t *testing.T) {
	broken := options()
	broken.Reload = func() (int64, []string) { return 1, []string{"host.toml:3: x: y"} }
	draining := options()
	draining.Ready = func() string { return "draining" }
	guarded := options()
	guarded.Token = "s3cret"

	for _, c := range []struct {
		name    string
		options Options
		line    string
		headers []string
		status  int
		body    string
	}{
		{"health", options(), "GET /healthz", nil, 200, `"ok"`},
		{"ready", options(), "GET /readyz", nil, 200, `"ready"`},
		{"not ready", draining, "GET /readyz", nil, 503, "draining"},
		{"metrics", options(), "GET /metrics", nil, 200, "up 1"},
		{"plugins", options(), "GET /plugins", nil, 200, `"user"`},
		{"reload", options(), "POST /reload", nil, 200, `"generation": 2`},
		{"failed reload", broken, "POST /reload", nil, 422, "host.toml:3"},
		{"reload by GET", options(), "GET /reload", nil, 405, "Allow"},
		{"write to plugins", options(), "POST /plugins", nil, 405, "Allow"},
		{"elsewhere", options(), "GET /", nil, 404, "/reload"},
		{"no token", guarded, "GET /plugins", nil, 401, "Bearer"},
		{"wrong token", guarded, "POST /reload", []string{"Authorization: Bearer s3cre"}, 401, "Bearer"},
		{"basic instead of bearer", guarded, "POST /reload", []string{"Authorization: s3cret"}, 401, "Bearer"},
		{"right token", guarded, "POST /reload", []string{"Authorization: Bearer s3cret"}, 200, "reloaded"},
		{"probes need no token", guarded, "GET /readyz", nil, 200, "ready"},
		{"by name", options(), "GET /healthz", []string{"Host: localhost:9001"}, 200, "ok"},
		{"by another IP", options(), "GET /healthz", []string{"Host: [::1]:9001"}, 200, "ok"},
		{"rebound name", options(), "POST /reload", []string{"Host: evil.example"}, 403, "Host"},
		{"other site", options(), "POST /reload", []string{"Origin: https://evil.example"}, 403, "another site"},
		{"opaque origin", options(), "POST /reload", []string{"Origin: null"}, 403, "another site"},
		{"own site", options(), "POST /reload", []string{"Origin: http://127.0.0.1:9001"}, 200, "reloaded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := do(c.options, c.line, c.headers...)
			if resp.StatusCode() != c.status || !strings.Contains(string(resp.Body()), c.body) {
				t.Errorf("%d %s, want %d with %s", resp.StatusCode(), resp.Body(), c.status, c.body)
			}
		})
	}
}
