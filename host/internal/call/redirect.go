package call

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// Hop is where an answer sends its request on to.
type Hop struct {
	Origin string // "https://host:port", as it stands there
	target string // path and query
	get    bool   // as a GET without a body, whatever the request was
}

// NextHop returns where an answer to a request to origin redirects it (RFC 9110
// section 15.4), and whether it does. A redirect that says no place to go to by
// HTTP is an error, and sends nothing. The fragment of a place is dropped.
func NextHop(origin string, req *fasthttp.Request, resp *fasthttp.Response) (hop Hop, ok bool, err error) {
	method := string(req.Header.Method())
	switch resp.StatusCode() {
	case fasthttp.StatusMovedPermanently, fasthttp.StatusFound:
		hop.get = method == fasthttp.MethodPost
	case fasthttp.StatusSeeOther:
		hop.get = method != fasthttp.MethodGet && method != fasthttp.MethodHead
	case fasthttp.StatusTemporaryRedirect, fasthttp.StatusPermanentRedirect:
	default:
		return Hop{}, false, nil
	}
	places := resp.Header.PeekAll(fasthttp.HeaderLocation)
	if len(places) == 0 {
		return Hop{}, false, nil // for the caller to understand
	}
	if len(places) > 1 {
		return Hop{}, true, fmt.Errorf("%w: %s: it redirects to %d places at once", ErrUnavailable, origin, len(places))
	}
	// The parser's errors quote what it was given, which may hold a secret.
	base, err := url.Parse(origin + string(req.Header.RequestURI()))
	if err != nil {
		return Hop{}, true, fmt.Errorf("%w: %s: it redirects a path that is none", ErrUnavailable, origin)
	}
	place, err := base.Parse(string(places[0]))
	if err != nil || place.Opaque != "" {
		return Hop{}, true, fmt.Errorf("%w: %s: it redirects to what is no URL", ErrUnavailable, origin)
	}
	if place.User != nil {
		return Hop{}, true, fmt.Errorf("%w: %s: it redirects to a URL with a user name or password", ErrDenied, origin)
	}
	if place.Scheme != "http" && place.Scheme != "https" || place.Host == "" {
		return Hop{}, true, fmt.Errorf("%w: %s: it redirects to a URL that is none of HTTP", ErrDenied, origin)
	}
	hop.Origin, hop.target = place.Scheme+"://"+place.Host, escaped(place.RequestURI())
	return hop, true, nil
}

// escaped writes what a request line cannot hold, which servers send all the same,
// as browsers do.
func escaped(target string) string {
	if isTarget([]byte(target)) {
		return target
	}
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; isTarget([]byte{c}) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Prepare makes a request into the one that the hop asks for. When that goes to
// another origin, what the first one was trusted with stays behind.
func (h Hop) Prepare(req *fasthttp.Request, sameOrigin bool) {
	req.SetRequestURI(h.target)
	if h.get {
		req.Header.SetMethod(fasthttp.MethodGet)
		req.ResetBody()
	}
	var drop []string
	for name := range req.Header.All() {
		switch lower := string(bytes.ToLower(name)); lower {
		case "authorization", "proxy-authorization", "cookie":
			if !sameOrigin {
				drop = append(drop, lower)
			}
		case "digest", "last-modified":
			if h.get {
				drop = append(drop, lower)
			}
		default:
			if h.get && strings.HasPrefix(lower, "content-") {
				drop = append(drop, lower)
			}
		}
	}
	for _, name := range drop {
		req.Header.Del(name)
	}
}
