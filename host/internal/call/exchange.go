package call

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// maxHead is the largest head of an answer, in bytes.
const maxHead = 16 << 10

// earlyAnswer is how long an answer is waited for after the other side has stopped
// reading the request.
const earlyAnswer = time.Second

// errStale marks the failure of a connection that may just have been idle for too
// long: not a byte of an answer has come.
var errStale = errors.New("the connection had ended")

// exchange sends a request over conn and reads the answer. It disposes of conn.
func (c *Client) exchange(ctx context.Context, conn *conn, m message, resp *fasthttp.Response) (err error) {
	// Everything blocks on the connection only, so its deadline ends it all.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	keep := false
	defer func() {
		if stop() && keep && err == nil {
			c.keep(conn.pool, conn)
		} else {
			conn.drop()
		}
	}()

	_, failed := conn.Write(m.first)
	if failed == nil && len(m.rest) > 0 {
		_, failed = conn.Write(m.rest)
	}
	if failed != nil {
		// It may have answered before it stopped reading, say that the body is too
		// large.
		_ = conn.SetReadDeadline(time.Now().Add(earlyAnswer))
		if err := ended(ctx); err != nil {
			return err
		}
	}

	in := &meter{from: conn, limit: c.wireLimit()}
	r, _ := c.readers.Get().(*bufio.Reader)
	if r == nil {
		r = bufio.NewReaderSize(in, maxHead)
	} else {
		r.Reset(in)
	}
	defer func() {
		r.Reset(nil)
		c.readers.Put(r)
	}()
	resp.Header.SetNoDefaultContentType(true)
	err = readAnswer(r, in, m.head, int(min(c.maxResponse.Load(), math.MaxInt32)), resp)
	switch {
	case err == nil:
		err = c.check(&conn.pool.origin, in, resp)
	case failed != nil && in.n == 0:
		err = c.broken(ctx, conn, "sending the request", failed)
	default:
		err = c.explain(ctx, conn, in, err)
	}
	keep = failed == nil && !resp.ConnectionClose() && r.Buffered() == 0
	return err
}

// wireLimit bounds all bytes of an answer, for what the limits of head and body do
// not see: chunks may come a byte at a time and with comments.
func (c *Client) wireLimit() int64 {
	return 4*maxHead + 8*min(c.maxResponse.Load(), math.MaxInt64/16)
}

// check refuses an answer that the library takes for one and that is none.
func (c *Client) check(o *origin, in *meter, resp *fasthttp.Response) error {
	version := string(resp.Header.Protocol())
	if status := resp.StatusCode(); status < 200 || version != "HTTP/1.1" && version != "HTTP/1.0" {
		return fmt.Errorf("%w: %s: malformed answer: it begins with %q", ErrUnavailable, o.text, in.begin())
	}
	return nil
}

// explain says why there is no answer. The library's errors quote the answer, its
// cookies included, so none of them is passed on.
func (c *Client) explain(ctx context.Context, conn *conn, in *meter, err error) error {
	o := &conn.pool.origin
	var head *fasthttp.ErrSmallBuffer
	switch {
	case ended(ctx) != nil:
		return ended(ctx)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fmt.Errorf("%w: %s: its body is over %d bytes", ErrTooLarge, o.text, c.maxResponse.Load())
	case errors.As(err, &head):
		return fmt.Errorf("%w: %s: its head is over %d bytes", ErrTooLarge, o.text, maxHead)
	case in.over:
		return fmt.Errorf("%w: %s: over %d bytes on the wire", ErrTooLarge, o.text, in.limit)
	case in.n == 0 && in.err != nil:
		return c.broken(ctx, conn, "no answer", in.err)
	case in.err != nil:
		return unavailable(ctx, o, "the answer broke off", unexpected(in.err))
	default:
		return fmt.Errorf("%w: %s: malformed answer: it begins with %q", ErrUnavailable, o.text, in.begin())
	}
}

// broken reports a connection that ended before the answer began.
func (c *Client) broken(ctx context.Context, conn *conn, what string, cause error) error {
	err := unavailable(ctx, &conn.pool.origin, what, unexpected(cause))
	if conn.reused {
		return fmt.Errorf("%w (%w)", err, errStale)
	}
	return err
}

// unexpected calls an early end by that name.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// meter reads from a connection, counts, and remembers what the library's errors
// do not tell.
type meter struct {
	from  net.Conn
	limit int64

	n     int64
	over  bool
	err   error    // the connection's
	first [24]byte // of the answer
}

func (m *meter) Read(p []byte) (int, error) {
	if m.n >= m.limit {
		m.over = true
		return 0, ErrTooLarge
	}
	n, err := m.from.Read(p)
	if m.n < int64(len(m.first)) {
		copy(m.first[m.n:], p[:n])
	}
	m.n += int64(n)
	if n > 0 {
		return n, nil // an error comes again, if more is asked for
	}
	m.err = err
	return n, err
}

// begin returns the first bytes of the answer, of its first line at most.
func (m *meter) begin() []byte {
	line, _, _ := bytes.Cut(m.first[:min(m.n, int64(len(m.first)))], []byte{'\n'})
	return line
}
