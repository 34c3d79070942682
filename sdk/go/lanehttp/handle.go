package lanehttp

import (
	"context"
	"net/http"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// Handle answers the request that the host is calling about with h, or with
// http.DefaultServeMux when h is nil. It is what an exported function consists of:
//
//	//go:wasmexport serve
//	func serve() { lanehttp.Handle(mux) }
func Handle(h http.Handler) {
	handle(h, func(w *response) http.ResponseWriter { return w })
}

// HandleStreaming is [Handle] with a ResponseWriter that is an http.Flusher. The
// host runs a plugin that contains it at a higher price, so use it only in
// plugins that stream.
func HandleStreaming(h http.Handler) {
	handle(h, func(w *response) http.ResponseWriter { return flusher{w} })
}

// Request returns the request as the rest of the SDK sees it: for the request id,
// the route, and what else net/http has no place for. It panics when r, or what r
// was made from with WithContext, does not come from this package.
func Request(r *http.Request) *wasmlane.Request {
	own, ok := r.Context().Value(requestKey{}).(*wasmlane.Request)
	if !ok {
		panic("lanehttp: Request was given a request that Handle did not make, or one with another context")
	}
	return own
}

type requestKey struct{}

func handle(h http.Handler, writer func(*response) http.ResponseWriter) {
	if h == nil {
		h = http.DefaultServeMux
	}
	wasmlane.Handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), requestKey{}, r))
		defer cancel()
		req, err := newRequest(ctx, r)
		if err != nil {
			return err
		}
		res := newResponse(w, req.Method, cancel)
		h.ServeHTTP(writer(res), req)
		return res.finish()
	})
}
