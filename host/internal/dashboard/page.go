package dashboard

import (
	"embed"
	"path"
	"strings"

	"github.com/valyala/fasthttp"
)

// The page is files as they are: no build, nothing from elsewhere.
//
//go:embed page
var page embed.FS

// policy lets the page load its own files and talk to its own listener, and lets
// nobody put it into a frame. Should a text from a guest ever get in as markup, it
// runs nothing.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Page answers a request for the page at "/" and "/dashboard" or for one of its
// files below "/dashboard/". It reports whether there is such a file.
func Page(ctx *fasthttp.RequestCtx, target string) bool {
	name := "index.html"
	if target != "/" && target != "/dashboard" {
		name = strings.TrimPrefix(target, "/dashboard/")
	}
	body, err := page.ReadFile("page/" + name)
	if err != nil {
		return false
	}
	types := map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
	ctx.SetContentType(types[path.Ext(name)] + "; charset=utf-8")
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderContentSecurityPolicy, policy)
	h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	ctx.SetBody(body)
	return true
}
