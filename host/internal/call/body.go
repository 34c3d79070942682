package call

import (
	"bufio"
	"io"
	"slices"

	"github.com/valyala/fasthttp"
)

// trusted is the largest body that memory is taken for when its length is announced,
// in bytes. For more, memory is taken as the bytes come: a head is cheap to send.
const trusted = 64 << 10

// readAnswer reads an answer with a body of at most limit bytes, without one when it
// is to HEAD.
func readAnswer(r *bufio.Reader, in *meter, head bool, limit int, resp *fasthttp.Response) error {
	resp.SkipBody = true
	err := resp.ReadLimitBody(r, 0)
	resp.SkipBody = head
	if err != nil {
		return err
	}
	status, length := resp.StatusCode(), resp.Header.ContentLength()
	switch {
	case head || status < 200 || status == fasthttp.StatusNoContent || status == fasthttp.StatusNotModified:
		return nil
	case length > limit:
		return fasthttp.ErrBodyTooLarge
	case 0 <= length && length <= trusted:
		return resp.ReadBody(r, limit)
	}
	body := resp.SwapBody(nil)[:0]
	resp.StreamBody = true
	if err = resp.ReadBody(r, 0); err == nil {
		body, err = readAll(resp.BodyStream(), body, limit)
		_ = resp.CloseBodyStream()
	}
	resp.StreamBody = false
	resp.SwapBody(body)
	switch {
	case err != nil:
		return err
	case length == -1 && in.err != nil: // the library forgives chunks without their end
		return io.ErrUnexpectedEOF
	case length < -1:
		resp.Header.SetContentLength(len(body))
	}
	return nil
}

// readAll appends what comes to dst, and at most doubles it at a time.
func readAll(from io.Reader, dst []byte, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, max(len(dst), trusted/4))
		}
		n, err := from.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst, fasthttp.ErrBodyTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}
