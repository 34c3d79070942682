package dashboard

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// The page is files as they are: no build, nothing from elsewhere. (An embed.FS of
// them would cost the program twice what they do.)
var (
	//go:embed page/index.html
	index string
	//go:embed page/style.css
	style string
	//go:embed page/main.js
	mainScript string
	//go:embed page/stream.js
	streamScript string
	//go:embed page/plots.js
	plotsScript string
	//go:embed page/tables.js
	tablesScript string
	//go:embed page/dom.js
	domScript string
	//go:embed page/format.js
	formatScript string
)

// fileAt returns what is at a path, and its media type; "" when there is nothing.
func fileAt(path string) (text, mediaType string) {
	switch path {
	case "/", "/dashboard":
		return index, "text/html; charset=utf-8"
	case "/dashboard/style.css":
		return style, "text/css; charset=utf-8"
	case "/dashboard/main.js":
		text = mainScript
	case "/dashboard/stream.js":
		text = streamScript
	case "/dashboard/plots.js":
		text = plotsScript
	case "/dashboard/tables.js":
		text = tablesScript
	case "/dashboard/dom.js":
		text = domScript
	case "/dashboard/format.js":
		text = formatScript
	}
	return text, "text/javascript; charset=utf-8"
}

// policy lets the page load its own files and talk to its own listener, and lets
// nobody put it into a frame. Should a text from a guest ever get in as markup, it
// runs nothing.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Page answers a request for the page at "/" and "/dashboard" or for one of its
// files below "/dashboard/". It reports whether there is such a file.
func Page(ctx *fasthttp.RequestCtx, path string) bool {
	text, mediaType := fileAt(path)
	if text == "" {
		return false
	}
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	h.Set(fasthttp.HeaderContentSecurityPolicy, policy)
	h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	ctx.SetBodyString(text)
	return true
}
