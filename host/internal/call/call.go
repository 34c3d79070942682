package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// Why there is no answer. A deadline that has passed and a cancelled call are
// reported as the context's own error instead.
var (
	// ErrUnavailable: refused, reset, name not found, TLS failed, malformed answer.
	ErrUnavailable = errors.New("the other side is unavailable")
	// ErrTooLarge: the answer is over the limit.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrDenied: the address is not a public one, and the call allows only such.
	ErrDenied = errors.New("the address is not allowed")
	// ErrRequest: the origin or the request is malformed. Nothing was sent.
	ErrRequest = errors.New("malformed request")
	// ErrNoConnection: no connection was made, TLS included, so that not a byte of
	// the request was sent. It comes with ErrUnavailable.
	ErrNoConnection = errors.New("no connection")
)

// Options says how to call. Zero values mean the defaults.
type Options struct {
	MaxResponse int64          // bytes of an answer's body; 16 MiB
	MaxConns    int            // connections to one origin at once; 256. More calls wait
	DialTimeout time.Duration  // for a connection, TLS included, where the context gives more; 10 s
	IdleTimeout time.Duration  // how long an unused connection is kept; 30 s
	RootCAs     *x509.CertPool // who may sign certificates; the system's
	Resolver    *net.Resolver  // the system's
}

// Client holds the connections to other hosts. It is safe for concurrent use.
type Client struct {
	options  Options
	sessions tls.ClientSessionCache
	readers  sync.Pool // *bufio.Reader of maxHead bytes
	buffers  sync.Pool // *[]byte, to build requests in

	public func(netip.Addr) bool // public, but in tests

	maxResponse atomic.Int64 // bytes of an answer's body

	mu     sync.Mutex
	pools  map[target]*pool
	timer  *time.Timer // closes what has been idle for too long; nil when nothing is idle
	closed bool
}

// New returns a client without connections.
func New(options Options) *Client {
	setDefault(&options.MaxResponse, 16<<20)
	setDefault(&options.MaxConns, 256)
	setDefault(&options.DialTimeout, 10*time.Second)
	setDefault(&options.IdleTimeout, 30*time.Second)
	c := &Client{
		options:  options,
		sessions: tls.NewLRUClientSessionCache(64),
		pools:    make(map[target]*pool),
		public:   public,
	}
	c.SetMaxResponse(options.MaxResponse)
	return c
}

// SetMaxResponse changes how many bytes of body an answer may have, for calls
// that begin later.
func (c *Client) SetMaxResponse(bytes int64) { c.maxResponse.Store(bytes) }

func setDefault[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Peer is whom a request goes to, and how to get there.
type Peer struct {
	Origin   string        // "http://host:port" or "https://host"
	Private  bool          // an address that is not public is as good as another
	Resolver *net.Resolver // nil: the client's
	MaxConns int           // connections at once; 0: as the client's options say

	// DialTimeout is for a connection, TLS included, where the context gives more;
	// 0: as the client's options say.
	DialTimeout time.Duration
}

// target returns what the connections to the peer are shared by.
func (c *Client) target(p *Peer) target {
	t := target{p.Origin, p.Private, p.Resolver, p.MaxConns}
	if t.resolver == nil {
		t.resolver = c.options.Resolver
	}
	if t.maxConns <= 0 {
		t.maxConns = c.options.MaxConns
	}
	return t
}

// Do sends req to origin, as Send does.
func (c *Client) Do(ctx context.Context, origin string, private bool, req *fasthttp.Request, resp *fasthttp.Response) error {
	return c.Send(ctx, Peer{Origin: origin, Private: private}, req, resp)
}

// Send sends req to a peer and fills resp with the answer. Both are the caller's
// again when Send returns, at the latest when ctx ends.
//
// Of req count the method, the request URI as it stands (a path and query, sent
// untouched), the headers and the body. Host, the framing and hop-by-hop headers
// are set here. With Private false, an origin at an address that is not public,
// whatever name leads to it, is ErrDenied.
func (c *Client) Send(ctx context.Context, peer Peer, req *fasthttp.Request, resp *fasthttp.Response) error {
	resp.Reset()
	p, err := c.enter(c.target(&peer))
	if err != nil {
		return err
	}
	defer c.leave(p)

	buf, _ := c.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer func() {
		if cap(*buf) <= keepBuffer {
			c.buffers.Put(buf)
		}
	}()
	m := message{head: req.Header.IsHead(), idempotent: Idempotent(req)}
	if m.first, m.rest, err = appendRequest((*buf)[:0], &p.origin, req); err != nil {
		return err
	}
	*buf = m.first

	if err := p.take(ctx); err != nil {
		return err
	}
	defer p.give()
	dial := peer.DialTimeout
	if dial <= 0 {
		dial = c.options.DialTimeout
	}
	for again := false; ; again = true {
		conn, err := c.connect(ctx, p, again, dial)
		if err != nil {
			return err
		}
		err = c.exchange(ctx, conn, m, resp)
		if err == nil {
			return nil
		}
		resp.Reset()
		if !errors.Is(err, errStale) || !m.idempotent {
			return err // a fresh connection is never stale: there is no third time
		}
	}
}

// CloseIdle closes the connections to a peer that are not in use.
func (c *Client) CloseIdle(peer Peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.target(&peer)
	p := c.pools[t]
	if p == nil {
		return
	}
	p.closeIdle(time.Time{})
	if p.calls == 0 {
		delete(c.pools, t)
	}
}

// Close closes the connections that are not in use now, and the others once they
// are not. Calls still work, each over a connection of its own.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	for t, p := range c.pools {
		p.closeIdle(time.Time{})
		if p.calls == 0 {
			delete(c.pools, t)
		}
	}
}

// ended returns why ctx is over, or nil. Timers of the network may be a moment
// ahead of the context's.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// unavailable reports what went wrong with an origin, unless ctx has ended: then
// everything else follows from that.
func unavailable(ctx context.Context, o *origin, what string, cause error) error {
	if err := ended(ctx); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s: %s: %w", ErrUnavailable, o.text, what, cause)
}

// unsent marks an error as ErrNoConnection, without a word more.
type unsent struct{ error }

func (e unsent) Unwrap() error        { return e.error }
func (e unsent) Is(target error) bool { return target == ErrNoConnection }
