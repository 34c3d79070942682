package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func options() Options {
	return Options{
		Listen:  "127.0.0.1:9001",
		Ready:   func() string { return "" },
		Metrics: func() []byte { return []byte("up 1\n") },
		Plugins: func() any { return map[string]any{"plugins": []string{"user"}} },
		Plugin: func(name string) (any, bool) {
			return map[string]string{"name": name}, name == "user"
		},
		Routes:     func() any { return []string{"GET / -> <b>&"} },
		Config:     func() any { return map[string]string{"config": "all"} },
		Generation: func() any { return map[string]int{"generation": 7} },
		Logs:       func(plugin string, limit int) any { return []any{plugin, limit} },
		Page: func(ctx *fasthttp.RequestCtx, path string) bool {
			ctx.SetBodyString("the page at " + path)
			return path != "/dashboard/none"
		},
		Events:    func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("[]") },
		Reload:    func() (any, bool) { return map[string]any{"status": "reloaded", "generation": 2}, true },
		MayUpload: func() bool { return true },
		Upload: func(name string, size int, body io.Reader) (int, any) {
			wasm, err := io.ReadAll(body)
			return 201, fmt.Sprint(name, size, string(wasm), err)
		},
		Hangup: func(ctx *fasthttp.RequestCtx) { ctx.SetConnectionClose() },
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
	broken.Reload = func() (any, bool) { return []string{"host.toml:3: x: y"}, false }
	draining := options()
	draining.Ready = func() string { return "draining" }
	guarded := options()
	guarded.Token = "s3cret"
	off := guarded
	off.MayUpload = func() bool { return false }
	token := []string{"Authorization: Bearer s3cret"}

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
		{"elsewhere", options(), "GET /none", nil, 404, "/reload"},
		{"dashboard", options(), "GET /", nil, 200, "the page at /"},
		{"dashboard by name", options(), "GET /dashboard", nil, 200, "the page at /dashboard"},
		{"file of the dashboard", guarded, "GET /dashboard/main.js", nil, 200, "the page at /dashboard/main.js"},
		{"no file of the dashboard", options(), "GET /dashboard/none", nil, 404, "/reload"},
		{"dashboard from elsewhere", options(), "GET /", []string{"Host: example.com"}, 403, "Host"},
		{"events", options(), "GET /events", nil, 200, "[]"},
		{"plugin", options(), "GET /plugins/user", nil, 200, `"name": "user"`},
		{"no plugin", options(), "GET /plugins/nobody", nil, 404, "GET /plugins"},
		{"plugin without a name", options(), "GET /plugins/", nil, 404, "not found"},
		{"routes", options(), "GET /routes", nil, 200, "GET / -> <b>&"},
		{"config", options(), "GET /config", nil, 200, `"all"`},
		{"generation", options(), "GET /generation", nil, 200, "7"},
		{"logs", options(), "GET /logs", nil, 200, "\"\",\n  100"},
		{"logs of a plugin", options(), "GET /logs?plugin=user&limit=5", nil, 200, "\"user\",\n  5"},
		{"no lines", options(), "GET /logs?limit=0", nil, 400, "1 to 1000"},
		{"too many lines", options(), "GET /logs?limit=1001", nil, 400, "1 to 1000"},
		{"a word for lines", options(), "GET /logs?limit=all", nil, 400, "1 to 1000"},
		{"upload", guarded, "PUT /plugins/user", token, 201, "user"},
		{"upload without the token", guarded, "PUT /plugins/user", nil, 401, "Bearer"},
		{"upload that is off", off, "PUT /plugins/user", token, 403, "admin.upload"},
		{"upload without any token", options(), "PUT /plugins/user", nil, 403, "need a token"},
		{"upload elsewhere", guarded, "PUT /plugins", token, 405, "Allow"},
		{"upload over a path", guarded, "PUT /plugins/../host.toml", token, 404, "not found"},
		{"upload over an escaped path", guarded, "PUT /plugins/..%2fuser", token, 404, "not found"},
		{"upload over a folded path", guarded, "PUT /x/../plugins/user", token, 404, "not found"},
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

// TestAllow: a method that is not there is refused with those that are.
func TestAllow(t *testing.T) {
	for line, want := range map[string]string{
		"DELETE /plugins/user": "GET, HEAD, PUT", "POST /metrics": "GET, HEAD", "GET /reload": "POST", "PATCH /": "GET, HEAD", "PATCH /none": "",
	} {
		resp := do(options(), line)
		if got := string(resp.Header.Peek("Allow")); got != want {
			t.Errorf("%s: Allow is %q, want %q", line, got, want)
		}
		if want != "" && resp.StatusCode() != 405 {
			t.Errorf("%s: %d", line, resp.StatusCode())
		}
	}
}

// TestEverythingIsGuarded: with a token, nothing but the probes is answered
// without it, and every answer but the metrics is JSON.
func TestEverythingIsGuarded(t *testing.T) {
	o := options()
	o.Token = "s3cret"
	for _, line := range []string{
		"GET /metrics", "GET /plugins", "GET /plugins/user", "GET /routes", "GET /config", "GET /generation",
		"GET /logs", "GET /events", "POST /reload", "PUT /plugins/user", "HEAD /config",
	} {
		for _, header := range []string{"X: y", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer s3cretx"} {
			resp := do(o, line, header)
			if resp.StatusCode() != 401 || string(resp.Header.Peek("WWW-Authenticate")) != "Bearer" {
				t.Errorf("%s with %q: %d", line, header, resp.StatusCode())
			}
		}
		resp := do(o, line, "Authorization: Bearer s3cret")
		if resp.StatusCode()/100 != 2 {
			t.Errorf("%s with the token: %d", line, resp.StatusCode())
		}
		if line != "GET /metrics" && !json.Valid(resp.Body()) {
			t.Errorf("%s answers no JSON: %s", line, resp.Body())
		}
	}
}
