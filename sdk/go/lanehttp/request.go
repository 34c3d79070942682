package lanehttp

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// newRequest makes of the host's request what net/http's server would make of it.
func newRequest(ctx context.Context, r *wasmlane.Request) (*http.Request, error) {
	target := r.Target()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, &wasmlane.HTTPError{Status: 400, Message: "the request target is malformed", Err: err}
	}
	req := (&http.Request{
		Method:        r.Method(),
		URL:           u,
		Proto:         r.Protocol(),
		Header:        header(r),
		Body:          http.NoBody,
		ContentLength: r.BodySize(),
		Host:          r.Host(),
		RemoteAddr:    net.JoinHostPort(r.RemoteAddr(), "0"), // handlers use net.SplitHostPort
		RequestURI:    target,
	}).WithContext(ctx)
	req.ProtoMajor, req.ProtoMinor, _ = http.ParseHTTPVersion(req.Proto)
	if req.ContentLength != 0 {
		req.Body = &body{r: r}
	}
	if req.ContentLength < 0 {
		req.TransferEncoding = []string{"chunked"}
	}
	if r.Scheme() == "https" {
		req.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	for _, name := range paramNames(r.Route()) {
		if value, ok := r.LookupParam(name); ok {
			req.SetPathValue(name, value)
		}
	}
	return req, nil
}

// header returns the headers, without those that net/http keeps elsewhere.
func header(r *wasmlane.Request) http.Header {
	names := r.HeaderNames()
	h := make(http.Header, len(names))
	for _, name := range names {
		if name != "host" && name != "transfer-encoding" && name != "trailer" {
			h[http.CanonicalHeaderKey(name)] = r.HeaderValues(name)
		}
	}
	return h
}

// paramNames returns the names in a pattern of host.toml: {name}, {name:regex}
// and {name...}, each a whole segment. What a regex may hold that looks like one
// more does no harm: the route has no value for it.
func paramNames(pattern string) []string {
	var names []string
	for {
		_, rest, found := strings.Cut(pattern, "/{")
		if !found {
			return names
		}
		pattern = rest
		if end := strings.IndexAny(rest, ":.}"); end > 0 {
			names = append(names, rest[:end])
		}
	}
}

// body reads on in the request's body.
type body struct {
	r      *wasmlane.Request
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.r.Read(p)
}

func (b *body) Close() error {
	b.closed = true
	return nil
}
