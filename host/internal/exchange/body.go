package exchange

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Budget bounds the bytes of request bodies held at once, over all connections.
// It is safe for concurrent use.
type Budget struct {
	limit atomic.Int64
	used  atomic.Int64
}

// SetLimit changes the bound, in bytes. Bodies already held stay.
func (b *Budget) SetLimit(limit int64) { b.limit.Store(limit) }

// Used returns the bytes held now.
func (b *Budget) Used() int64 { return b.used.Load() }

// take reserves n bytes, or reports that they do not fit.
func (b *Budget) take(n int64) bool {
	if b.used.Add(n) > b.limit.Load() {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *Budget) give(n int64) { b.used.Add(-n) }

// Why a body was not read.
var (
	ErrBodyTooLarge  = errors.New("body over max_body")
	ErrBodyMemory    = errors.New("bodies in flight over server.body_memory")
	ErrBodyTimeout   = errors.New("body not received within server.read_timeout")
	ErrBodyTruncated = errors.New("body ended early")
	ErrBodyMalformed = errors.New("malformed body")
)

// bodyStep is how much a body may grow at a time: a client that announces a
// large body and sends none costs no more than this.
const bodyStep = 64 << 10

// keepBody is the largest body buffer that an exchange keeps for the next one.
const keepBody = 64 << 10

// ReadBody reads the request's whole body, at most limit bytes, under the
// connection's read deadline. It is called before an instance is taken, so that
// a slow upload holds none. The body lives until Release.
//
// A server that streams request bodies has no limit of its own: max_body and
// body_memory hold here.
func (x *Exchange) ReadBody(limit int64, budget *Budget) error {
	if x.ctx == nil { // a call in process: the body stands in the caller's memory
		if int64(len(x.Request.Body)) > limit {
			return ErrBodyTooLarge
		}
		return nil
	}
	request := &x.ctx.Request
	size := int64(request.Header.ContentLength())
	if size == 0 || size < -1 {
		return nil
	}
	x.Request.BodySize = size
	if size > limit {
		return ErrBodyTooLarge
	}
	if !request.IsBodyStream() { // a server that reads bodies by itself
		x.Request.Body = request.Body()
		if int64(len(x.Request.Body)) > limit {
			return ErrBodyTooLarge
		}
		return nil
	}
	x.budget = budget
	if size > 0 && !x.reserve(size) {
		return ErrBodyMemory
	}
	return x.readStream(x.ctx.RequestBodyStream(), size, limit)
}

// drained is how much of an unread body the HTTP library reads after the answer
// before it closes the connection instead.
const drained = 256 << 10

// SkipBody is called when a request is answered without its body having been
// read. A client that is still sending a large one must see the answer before
// the connection goes.
func (x *Exchange) SkipBody() {
	if x.ctx == nil || x.conn == nil || !x.ctx.Request.IsBodyStream() {
		return
	}
	if size := x.ctx.Request.Header.ContentLength(); size < 0 || size > drained {
		x.Hangup()
	}
}

func (x *Exchange) readStream(r io.Reader, size, limit int64) error {
	buf := x.bodyBuf[:0]
	if size > int64(cap(buf)) {
		if large, ok := largeBodies.Get().(*[]byte); ok {
			buf = (*large)[:0]
		}
	}
	if size < 0 && !x.reserve(int64(cap(buf))) {
		return ErrBodyMemory
	}
	for {
		if len(buf) == cap(buf) {
			step := growth(len(buf), size)
			if size < 0 && !x.reserve(int64(step)) {
				return ErrBodyMemory
			}
			buf = append(make([]byte, 0, len(buf)+step), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		x.bodyBuf = buf
		switch {
		case int64(len(buf)) > limit:
			return ErrBodyTooLarge
		case err == io.EOF:
			if int64(len(buf)) < size || (size < 0 && x.cutShort()) {
				return ErrBodyTruncated
			}
			x.Request.Body, x.whole = buf, time.Now()
			return nil
		case err != nil:
			return bodyError(err)
		}
	}
}

// cutShort reports whether a chunked body that seems to have ended was cut off:
// the library takes the end of the connection, between two chunks, for the end of
// the body. A client that has sent its last chunk waits for the answer, so one
// that is gone by now had not.
func (x *Exchange) cutShort() bool { return x.conn != nil && !x.conn.Alive() }

// growth says by how much a full buffer of have bytes grows: bodyStep at first,
// doubling later, and never past what the announced size needs.
func growth(have int, size int64) int {
	step := max(bodyStep, have)
	if size >= 0 {
		// One byte more lets the read that finds the end find room.
		step = int(min(int64(step), size-int64(have)+1))
	}
	return step
}

// largeBodies are the buffers of large bodies, *[]byte, for the next ones: making one
// takes longer than reading into it. What nobody needs the garbage collector takes.
var largeBodies sync.Pool

func bodyError(err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrBodyTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrBodyTruncated
	}
	return ErrBodyMalformed
}

// reserve takes n bytes of the budget until Release.
func (x *Exchange) reserve(n int64) bool {
	if !x.budget.take(n) {
		return false
	}
	x.reserved += n
	return true
}

// releaseBody gives the reserved bytes and an outsized buffer back.
func (x *Exchange) releaseBody() {
	if x.reserved > 0 {
		x.budget.give(x.reserved)
	}
	x.reserved, x.budget = 0, nil
	if cap(x.bodyBuf) > keepBody {
		large := x.bodyBuf
		largeBodies.Put(&large)
		x.bodyBuf = nil
	}
}
