package call

import (
	"context"
	"fmt"
	"net"
	"time"
)

// maxOrigins bounds the origins that are remembered. They come from host.toml and
// from SRV records, so that more is an accident.
const maxOrigins = 1024

// target is what connections are shared by. A call that may reach only public
// addresses must not get a connection that somebody else made to a private one, nor
// one to what another name server told.
type target struct {
	origin   string
	private  bool
	resolver *net.Resolver // nil: the system's
	maxConns int
}

// pool holds the connections to one target. Its fields are guarded by the
// client's mu, where they change.
type pool struct {
	key    target
	origin origin
	slots  chan struct{} // an element for each connection that may be in use

	calls int // that use the pool now; it stays while there are any
	used  time.Time
	idle  []*conn // the one used last comes last
}

// enter returns the pool of a target, for one call.
func (c *Client) enter(t target) (*pool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pools[t]
	if p == nil {
		o, err := parseOrigin(t.origin)
		if err != nil {
			return nil, err
		}
		if len(c.pools) >= maxOrigins && !c.forgetOne() {
			return nil, fmt.Errorf("%w: %s: calls to %d other origins are running", ErrUnavailable, t.origin, maxOrigins)
		}
		p = &pool{key: t, origin: o, slots: make(chan struct{}, t.maxConns)}
		c.pools[t] = p
	}
	p.calls++
	return p, nil
}

// leave ends what enter began.
func (c *Client) leave(p *pool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.calls--
	p.used = time.Now()
	if p.calls == 0 && len(p.idle) == 0 {
		delete(c.pools, p.key)
	}
}

// forgetOne drops the pool that has been out of use longest. mu must be held.
func (c *Client) forgetOne() bool {
	var oldest *pool
	for _, p := range c.pools {
		if p.calls == 0 && (oldest == nil || p.used.Before(oldest.used)) {
			oldest = p
		}
	}
	if oldest == nil {
		return false
	}
	oldest.closeIdle(time.Time{})
	delete(c.pools, oldest.key)
	return true
}

// take waits for the right to use a connection.
func (p *pool) take(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) give() { <-p.slots }

// reuse returns an idle connection that is still good, or nil.
func (c *Client) reuse(p *pool) *conn {
	for {
		c.mu.Lock()
		n := len(p.idle) - 1
		if n < 0 {
			c.mu.Unlock()
			return nil
		}
		conn := p.idle[n]
		p.idle[n] = nil
		p.idle = p.idle[:n]
		c.mu.Unlock()
		if time.Since(conn.since) < c.options.IdleTimeout && conn.quiet() {
			conn.reused = true
			return conn
		}
		conn.drop()
	}
}

// keep has a connection wait for the next call.
func (c *Client) keep(p *pool, conn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.drop()
		return
	}
	conn.since = time.Now()
	p.idle = append(p.idle, conn)
	if c.timer == nil {
		c.timer = time.AfterFunc(c.options.IdleTimeout, c.tidy)
	}
}

// tidy closes what has been idle for too long, and comes back for the rest.
func (c *Client) tidy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.timer = nil
	var next time.Time // when the next connection is due
	for t, p := range c.pools {
		p.closeIdle(time.Now().Add(-c.options.IdleTimeout))
		if p.calls == 0 && len(p.idle) == 0 {
			delete(c.pools, t)
		}
		if len(p.idle) > 0 && (next.IsZero() || p.idle[0].since.Before(next)) {
			next = p.idle[0].since
		}
	}
	if !next.IsZero() {
		c.timer = time.AfterFunc(time.Until(next.Add(c.options.IdleTimeout)), c.tidy)
	}
}

// closeIdle closes the connections idle since before the given time; zero: all.
// The client's mu must be held.
func (p *pool) closeIdle(before time.Time) {
	n := 0
	for n < len(p.idle) && (before.IsZero() || !p.idle[n].since.After(before)) {
		p.idle[n].drop() // no last words: all calls wait for mu meanwhile
		n++
	}
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
}
