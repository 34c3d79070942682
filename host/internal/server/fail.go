package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/valyala/fasthttp"
)

// fail answers a request that could not be read. The connection ends with it.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	c := ConnOf(ctx.Conn())
	if c != nil && c.fresh() {
		// Nothing was asked: a probe, a connection kept in reserve, or a failed
		// handshake, which the library does not tell from the others. The library
		// will write a response all the same; it must not get far.
		if !errors.Is(err, errPlainHTTP) { // TLS refuses to write after that one
			c.abort()
		}
		return
	}
	status, message := s.explain(err)
	s.hangup(ctx, status, message)
}

// explain says what is wrong with a request, without a byte of it: it may hold
// secrets.
func (s *Server) explain(err error) (status int, message string) {
	cfg := &s.options.Config
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		return fasthttp.StatusRequestHeaderFieldsTooLarge,
			fmt.Sprintf("the request line and headers are over server.http_buffer_size, %d bytes", cfg.HTTPBufferSize)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, fasthttp.ErrTimeout):
		return fasthttp.StatusRequestTimeout, fmt.Sprintf("the request did not arrive within server.read_timeout, %v", cfg.ReadTimeout)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fasthttp.StatusRequestEntityTooLarge, s.bodyTooLarge()
	case errors.Is(err, fasthttp.ErrDuplicateContentLength):
		return fasthttp.StatusBadRequest, "more than one Content-Length"
	case errors.Is(err, fasthttp.ErrUnsupportedTransferEncoding):
		return fasthttp.StatusBadRequest, "unsupported Transfer-Encoding"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fasthttp.StatusBadRequest, "the request ended early"
	default:
		return fasthttp.StatusBadRequest, "malformed request"
	}
}

func (s *Server) bodyTooLarge() string {
	return fmt.Sprintf("the body is over %s, %d bytes", cmp.Or(s.options.MaxBodyKey, "max_body"), s.maxBody.Load())
}

// hangup answers with an error and has the connection end, in a way that lets a
// client that is still sending see the answer.
func (s *Server) hangup(ctx *fasthttp.RequestCtx, status int, message string) {
	s.options.Error(ctx, status, message)
	ctx.SetConnectionClose()
	if c := ConnOf(ctx.Conn()); c != nil {
		c.DiscardOnClose()
	}
}

// expect decides on "Expect: 100-continue": a body that would be refused is not
// asked for. The library sends the response that stands in ctx when the status is
// not 100.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	status, message := fasthttp.StatusContinue, ""
	switch {
	case len(ctx.Request.Header.PeekAll(fasthttp.HeaderExpect)) > 1:
		status, message = fasthttp.StatusExpectationFailed, "more than one expectation"
	case int64(ctx.Request.Header.ContentLength()) > s.maxBody.Load():
		status, message = fasthttp.StatusRequestEntityTooLarge, s.bodyTooLarge()
	default:
		return status
	}
	s.hangup(ctx, status, message)
	return status
}

// expectsUnknown reports an expectation that expect was not asked about, which is
// any but 100-continue. HTTP/1.0 has none (RFC 9110 section 10.1.1).
func expectsUnknown(ctx *fasthttp.RequestCtx) bool {
	header := &ctx.Request.Header
	return header.IsHTTP11() && len(header.Peek(fasthttp.HeaderExpect)) > 0 && !ctx.Request.MayContinue()
}
