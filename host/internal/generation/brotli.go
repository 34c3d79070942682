//go:build brotli

package generation

import "github.com/valyala/fasthttp"

// hasBrotli reports that the program can compress with brotli, which makes it 1.3 MB
// larger: build it with -tags brotli.
const hasBrotli = true

func appendBrotli(dst, src []byte) []byte {
	return fasthttp.AppendBrotliBytesLevel(dst, src, fasthttp.CompressBrotliDefaultCompression)
}
