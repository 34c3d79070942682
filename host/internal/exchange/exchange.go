package exchange

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// Plugin is what an exchange must know of the plugin that serves it. It is
// immutable and shared by all exchanges of the plugin.
type Plugin struct {
	Name        string
	Config      map[string]string
	Keyspace    kv.Keyspace // nil: not granted
	Log         *slog.Logger
	LogLimit    LogLimit // nil: none
	MaxResponse int64    // bytes of a buffered response
}

// LogLimit bounds how much a plugin logs.
type LogLimit interface {
	// Allow reports whether a line may be written now.
	Allow() bool
}

// Params are the values of the route's {name}s.
type Params interface {
	Get(name []byte) (value []byte, ok bool)
	Len() int
	Name(i int) string
	Value(i int) []byte
}

// Conn is the connection a request came on.
type Conn interface {
	// Alive reports whether the client is still there, without blocking.
	Alive() bool
	// RemoteIP returns the client's address.
	RemoteIP() netip.Addr
	// DiscardOnClose has the connection read on for a moment before it closes, so
	// that a client that is still sending sees the answer.
	DiscardOnClose()
}

// Caller carries out the calls of a guest; it knows the services and grants of
// the exchange's generation.
type Caller interface {
	// Call sends req to target on behalf of x and fills resp. A negative code
	// means that there is no response.
	Call(x *Exchange, target []byte, req *CallRequest, resp *fasthttp.Response) abi.Code
}

// RequestCounter counts the requests of one route that have been answered.
type RequestCounter interface {
	Count(method []byte, status int, took time.Duration)
}

// Exchange is one request and its response.
type Exchange struct {
	Request  Request
	Response *fasthttp.Response
	Params   Params // the route's; stays for the next request of a pooled exchange
	Plugin   *Plugin
	Handler  string // the plugin's export
	Route    string // the route's pattern
	Caller   Caller
	Counter  RequestCounter // of the route; nil: nobody counts
	Start    time.Time

	whole    time.Time            // when the request was there with its body; zero: at Start
	deadline time.Time            // zero: none
	ctx      *fasthttp.RequestCtx // of the connection; nil for a call in process, and for init
	conn     Conn                 // likewise
	parent   *Exchange            // the caller's, for a call in process
	depth    int                  // how many calls deep
	init     bool                 // there is no request

	trace traced

	guest   guestContext
	wait    context.Context // guest's with a timer; made when something waits
	stop    context.CancelFunc
	checked time.Time // when the connection was last looked at

	bodyBuf  []byte
	bodyRead int
	budget   *Budget
	reserved int64

	waited    [waitKinds]time.Duration
	written   int64  // bytes of body the guest wrote
	headBytes int    // bytes of headers the guest set
	overflow  bool   // a write was refused TOO_LARGE
	reason    string // the host's own error answer, see Fail
	stream    *Stream
	cgi       *cgi // nil unless a WASI command answers

	callRequest CallRequest // the call being made
	calls       []callHandle
	scratch     []byte
	output      [2]line // unfinished lines of stdout and stderr
}

// keepScratch is the largest scratch buffer kept for the next exchange.
const keepScratch = 16 << 10

// aliveEvery is how often at most the connection is looked at.
const aliveEvery = 20 * time.Millisecond

var pool = sync.Pool{New: func() any { return new(Exchange) }}

// Acquire returns an exchange that holds nothing. Release it when the response
// has been written.
func Acquire() *Exchange { return pool.Get().(*Exchange) }

// Begin fills the exchange from a connection's request. An error is the client's
// fault; its text may be shown. x.Request.ID and x.Response are set either way.
func (x *Exchange) Begin(ctx *fasthttp.RequestCtx, conn Conn) error {
	x.begin(&ctx.Response)
	x.ctx, x.conn = ctx, conn
	err := x.Request.read(ctx, conn)
	x.Response.Header.SetBytesV(requestIDHeader, x.Request.ID)
	return err
}

// BeginText fills the exchange from a head as text, for a request that came over
// no connection. There is nothing to stream to.
func (x *Exchange) BeginText(resp *fasthttp.Response, head, body []byte) error {
	x.begin(resp)
	resp.Header.SetNoDefaultContentType(true)
	err := x.Request.readText(head, body)
	x.Response.Header.SetBytesV(requestIDHeader, x.Request.ID)
	return err
}

func (x *Exchange) begin(resp *fasthttp.Response) {
	x.Start = time.Now()
	x.checked = x.Start // the request has just come
	x.Response = resp
	x.guest = guestContext{x}
}

// NewInit returns an exchange for the time a plugin initialises: there is no
// request, the store can be read only, and log and config work.
func NewInit(p *Plugin) *Exchange {
	x := &Exchange{Plugin: p, Handler: abi.ExportInit, init: true, Start: time.Now()}
	x.guest = guestContext{x}
	return x
}

// SetDeadline bounds everything the guest does and waits for. Zero: no bound.
func (x *Exchange) SetDeadline(t time.Time) { x.deadline = t }

// Limit brings the deadline forward to t, unless it is earlier already.
func (x *Exchange) Limit(t time.Time) {
	if x.deadline.IsZero() || t.Before(x.deadline) {
		x.deadline = t
	}
}

// LimitByCaller brings the deadline forward to when whoever sent the request stops
// waiting for the answer, if it told. That can only shorten: what a client writes gives
// it no more time than host.toml does.
func (x *Exchange) LimitByCaller() {
	if value, n := x.Request.Header(abi.HeaderTimeout); n == 1 {
		if ms := abi.ParseTimeout(value); ms > 0 {
			x.Limit(x.Start.Add(time.Duration(ms) * time.Millisecond))
		}
	}
}

// Whole returns when the request had come whole, its body included.
func (x *Exchange) Whole() time.Time {
	if x.whole.IsZero() {
		return x.Start
	}
	return x.whole
}

// Deadline returns when the guest is stopped; zero when never.
func (x *Exchange) Deadline() time.Time { return x.deadline }

// Parent returns the exchange whose call this one answers, or nil.
func (x *Exchange) Parent() *Exchange { return x.parent }

// Depth returns how many calls deep the exchange is; 0 for a client's request.
func (x *Exchange) Depth() int { return x.depth }

// EndGuest logs the lines that the guest left unfinished. It is called when the
// guest has ended, however it ended.
func (x *Exchange) EndGuest() {
	for i := range x.output {
		x.flushLine(i)
	}
}

// Count counts the exchange, which has ended now with that status.
func (x *Exchange) Count(status int, now time.Time) {
	if x.Counter != nil {
		x.Counter.Count(x.Request.Method, status, now.Sub(x.Start))
	}
}

// Written returns how many bytes of body the guest has written.
func (x *Exchange) Written() int64 { return x.written }

// Sent returns how many bytes of body the answer has, whoever wrote it.
func (x *Exchange) Sent() int64 {
	if x.stream != nil {
		return x.written
	}
	return int64(len(x.Response.Body()))
}

// Reason returns the message of the host's own error answer, for the access log;
// "" when the answer is not one.
func (x *Exchange) Reason() string { return x.reason }

// Overflowed reports that a write was refused as over max_response and that
// nothing had been sent by then, so that the response is not whole.
func (x *Exchange) Overflowed() bool { return x.overflow && !x.Streaming() }

// Release gives the exchange back. Nothing of it may be used afterwards.
func (x *Exchange) Release() {
	x.closeCalls()
	if x.stop != nil {
		x.stop()
	}
	x.releaseBody()
	// Not by way of a second Exchange: it would be a kilobyte of stack, which on each
	// of many connections is another one, and in no cache.
	params, body, calls, scratch := x.Params, x.bodyBuf[:0], x.calls[:0], x.scratch[:0]
	stdout, stderr := x.output[0].buf[:0], x.output[1].buf[:0]
	fields, callBuf, callFields := x.Request.Head.fields[:0], x.callRequest.buf[:0], x.callRequest.Head.fields[:0]
	*x = Exchange{}
	x.Params, x.bodyBuf, x.calls = params, body, calls
	if cap(scratch) <= keepScratch {
		x.scratch = scratch
	}
	x.output[0].buf, x.output[1].buf = stdout, stderr
	x.Request.Head.fields, x.callRequest.buf, x.callRequest.Head.fields = fields, callBuf, callFields
	pool.Put(x)
}
