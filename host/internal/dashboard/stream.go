package dashboard

import (
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// patience is how long a viewer may leave unacknowledged what it was sent.
const patience = 30 * time.Second

// Client is what a stream asks of its connection.
type Client interface {
	// Alive reports whether the client is still there, without blocking.
	Alive() bool
	// Unsent returns how many bytes it has not acknowledged, -1 when that cannot
	// be told.
	Unsent() int
}

// Serve answers with the stream of events. client may be nil, and then a viewer
// that is gone is noticed by a write that fails.
func (f *Feed) Serve(ctx *fasthttp.RequestCtx, client Client) {
	h := &ctx.Response.Header
	h.SetContentType("text/event-stream")
	h.Set("X-Accel-Buffering", "no") // for proxies that would collect it
	if ctx.IsHead() {
		return
	}
	if !f.enter() {
		ctx.SetContentType("application/json")
		h.Set(fasthttp.HeaderRetryAfter, "10")
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		ctx.SetBodyString(`{"error": "too many viewers, or the host is stopping; close another dashboard and try again"}` + "\n")
		return
	}
	ctx.SetConnectionClose()
	ctx.Response.ImmediateHeaderFlush = true
	ctx.Response.SetBodyStream(&stream{feed: f, client: client, heard: time.Now()}, -1)
}

// stream is one viewer. The connection's goroutine reads from it and writes what
// it has read, so that a slow viewer costs one buffer: while it is slow it is not
// asked, and then it gets what is still kept, at once. A slow one is cut off by
// the server's write timeout, one that has vanished by the look at what it leaves
// unacknowledged.
type stream struct {
	feed   *Feed
	client Client
	seen   seen
	buf    []byte
	rest   []byte // of buf, not yet read
	news   <-chan struct{}
	heard  time.Time // when the client last had acknowledged all
	once   sync.Once
}

// Read waits for news and returns it. It ends with the feed and with the client.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.news != nil {
			select {
			case <-s.news:
			case <-s.feed.done:
				return 0, io.EOF
			}
		}
		if s.gone() {
			return 0, io.ErrClosedPipe
		}
		s.buf, s.news = s.feed.news(s.buf[:0], &s.seen)
		s.rest = s.buf
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 && cap(s.buf) > 64<<10 {
		s.buf = nil // the first one, with ten minutes in it
	}
	return n, nil
}

func (s *stream) gone() bool {
	if s.client == nil {
		return false
	}
	if s.client.Unsent() <= 0 {
		s.heard = time.Now()
	}
	return !s.client.Alive() || time.Since(s.heard) > patience
}

// Close is called when the stream has ended, however that was.
func (s *stream) Close() error {
	s.once.Do(s.feed.leave)
	return nil
}
