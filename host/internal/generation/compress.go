package generation

import (
	"bytes"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/traffic"
)

// compress says which answers of a route are compressed, for clients that accept
// it.
type compress struct {
	least int      // bytes of body
	types []string // of its content
}

// coded holds compressed bodies until they are copied.
var coded = sync.Pool{New: func() any { return new([]byte) }}

// keepCoded is the largest buffer kept for the next body.
const keepCoded = 1 << 20

func (c *compress) dress(x *exchange.Exchange) {
	resp := x.Response
	h := &resp.Header
	if resp.IsBodyStream() || len(resp.Body()) < c.least || resp.StatusCode() == fasthttp.StatusPartialContent ||
		len(h.Peek(fasthttp.HeaderContentEncoding)) > 0 || len(h.Peek(fasthttp.HeaderContentRange)) > 0 ||
		!traffic.Matches(h.ContentType(), c.types) || traffic.NoTransform(h.Peek(fasthttp.HeaderCacheControl)) {
		return
	}
	addVary(h, "Accept-Encoding")
	accepts, _ := x.Request.Header("accept-encoding")
	coding := traffic.Accepted(accepts, hasBrotli)
	if coding == traffic.Identity {
		return
	}
	buf := coded.Get().(*[]byte)
	name := "gzip"
	if coding == traffic.Brotli {
		name = "br"
		*buf = appendBrotli((*buf)[:0], resp.Body())
	} else {
		*buf = fasthttp.AppendGzipBytesLevel((*buf)[:0], resp.Body(), fasthttp.CompressDefaultCompression)
	}
	if len(*buf) < len(resp.Body()) {
		resp.SetBody(*buf)
		h.SetContentEncoding(name)
		weaken(h)
	}
	if cap(*buf) <= keepCoded {
		coded.Put(buf)
	}
}

// weaken makes a strong entity tag a weak one: it was about other bytes.
func weaken(h *fasthttp.ResponseHeader) {
	if tag := h.Peek(fasthttp.HeaderETag); bytes.HasPrefix(tag, []byte(`"`)) {
		h.Set(fasthttp.HeaderETag, "W/"+string(tag))
	}
}
