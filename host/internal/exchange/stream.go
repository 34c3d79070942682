package exchange

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/wasmlane/wasmlane/abi"
)

// Stream carries a response whose guest flushes before it has ended.
//
// The HTTP library writes a response after the handler has returned, so the
// guest runs on a goroutine of its own. Its first flush lets the handler return
// with the stream as the body; from then on the connection's goroutine reads and
// the guest writes, one buffer in turn, so that a slow client holds the guest up
// instead of filling memory. Close ends the guest and waits for it: until then
// it may read the request, whose buffers the library reuses afterwards.
//
// Only a plugin that imports flush runs this way.
type Stream struct {
	x      *Exchange
	ctx    context.Context // of the guest's run; ended by Close
	cancel context.CancelFunc

	first   chan struct{} // closed at the first flush
	flushed bool          // the guest's: first is closed
	done    chan struct{} // closed when the guest has ended
	failed  bool          // set before done is closed

	chunks chan []byte   // guest to connection
	taken  chan struct{} // connection to guest: the chunk has been copied
	buf    []byte        // the guest's: written and not yet sent
	broken abi.Code      // the guest's: why nothing can be sent any more

	rest   []byte // the connection's: received and not yet read
	onEnd  func()
	closed bool
}

// sendAt is how much a streaming guest may write before it is sent without being
// asked to: what is written and not flushed has no other limit.
const sendAt = 64 << 10

// errCut makes the HTTP library close the connection without a final chunk, so
// that the client can tell a broken stream from a whole one.
var errCut = errors.New("the handler failed after the response had begun")

// RunStreaming runs guest on a goroutine of its own and returns when it has
// ended or has flushed. After a flush it reports true: the response then streams
// and onEnd is called, on the connection's goroutine, when all is over. guest
// reports whether it succeeded and must not panic.
func (x *Exchange) RunStreaming(guest func() bool, onEnd func()) bool {
	s := &Stream{
		x:      x,
		first:  make(chan struct{}),
		done:   make(chan struct{}),
		chunks: make(chan []byte),
		taken:  make(chan struct{}, 1), // a guest that gave up takes no answer
		onEnd:  onEnd,
	}
	s.ctx, s.cancel = context.WithCancel(&x.guest)
	x.stream = s
	go func() {
		ok := guest()
		if s.flushed && ok {
			ok = s.send() == 0
		}
		s.failed = !ok
		close(s.done)
	}()
	select {
	case <-s.done:
		// The guest may have flushed and ended since; then it must stream.
		if !s.flushed {
			s.cancel()
			x.stream = nil
			return false
		}
	case <-s.first:
	}
	x.Response.ImmediateHeaderFlush = true
	x.Response.SetBodyStream(s, -1)
	return true
}

// CanStream reports whether a flush can reach the client: not in a call in
// process, and not for HTTP/1.0, which knows no chunks.
func (x *Exchange) CanStream() bool { return x.ctx != nil && x.Request.HTTP11() }

// Streaming reports whether the head has been sent.
func (x *Exchange) Streaming() bool { return x.stream != nil && x.stream.flushed }

// write appends to the next chunk. It runs on the guest's goroutine.
func (s *Stream) write(p []byte) abi.Code {
	if s.ctx.Err() != nil {
		return abi.Closed
	}
	for len(p) > 0 {
		if s.broken != 0 {
			return s.broken
		}
		n := min(len(p), sendAt-len(s.buf))
		s.buf = append(s.buf, p[:n]...)
		p = p[n:]
		if len(s.buf) >= sendAt {
			if code := s.send(); code != 0 {
				return code
			}
		}
	}
	return 0
}

// flush sends what has been written; the first one sends the head, too. What was
// written before it becomes the first chunk.
func (s *Stream) flush() abi.Code {
	if !s.flushed {
		s.buf = append(s.buf, s.x.Response.Body()...)
		s.x.Response.ResetBody()
		s.flushed = true
		close(s.first)
	}
	return s.send()
}

// send hands the buffer over and waits until the connection has written it, or
// nearly so. A deadline or a client that left in between breaks the stream for
// good: the connection may still hold the buffer, so it is not used again.
func (s *Stream) send() abi.Code {
	if s.broken != 0 {
		return s.broken
	}
	if len(s.buf) == 0 {
		return 0
	}
	var late <-chan time.Time
	if d := s.x.deadline; !d.IsZero() {
		timer := time.NewTimer(time.Until(d))
		defer timer.Stop()
		late = timer.C
	}
	for _, step := range [...]struct {
		hand  chan<- []byte
		taken <-chan struct{}
	}{{hand: s.chunks}, {taken: s.taken}} {
		select {
		case step.hand <- s.buf:
		case <-step.taken:
		case <-s.ctx.Done():
			s.broken = abi.Closed
		case <-late:
			s.broken = abi.Timeout
		}
		if s.broken != 0 {
			s.buf = nil
			return s.broken
		}
	}
	s.buf = s.buf[:0]
	return 0
}

// Read gives the connection what the guest has sent.
func (s *Stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		select {
		case s.rest = <-s.chunks:
		case <-s.done:
			if s.failed {
				return 0, errCut
			}
			return 0, io.EOF
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 {
		s.rest = nil
		s.taken <- struct{}{}
	}
	return n, nil
}

// Close ends the guest, waits for it, and reports the end of the exchange.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.cancel()
	<-s.done
	s.onEnd()
	return nil
}
