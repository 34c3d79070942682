package server

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// Conn is an accepted connection. It counts as open until Close.
//
// One goroutine reads and writes it, the library's. Alive and the methods that
// Shutdown uses may be called from any other.
type Conn struct {
	// What each request touches comes first and close together: with thousands of
	// connections none of it is in the processor's caches when its turn comes.
	tcp           *net.TCPConn
	quick         quickWriter
	read, written atomic.Uint64
	writeLimit    atomic.Int64 // what SetWriteDeadline asked for, in Unix nanoseconds; 0: nothing

	// mu makes a change of state and of the read deadline one step, so that
	// hurry never cuts into a request.
	mu      sync.Mutex
	state   fasthttp.ConnState
	hurried bool // hurry has ended the wait for a request
	limit   readLimit

	tls     bool        // TLS speaks over this connection
	spoken  bool        // the first bytes have been read; for TLS
	ended   bool        // the client will send no more
	discard atomic.Bool // see DiscardOnClose
	closed  atomic.Bool

	remote netip.Addr
	server *Server
	client client
	since  time.Time
}

// ConnOf returns the connection that carries c: c itself, or what is below TLS.
// It returns nil when c was not accepted by a Server.
func ConnOf(c net.Conn) *Conn {
	for c != nil {
		switch inner := c.(type) {
		case *Conn:
			return inner
		case interface{ NetConn() net.Conn }:
			c = inner.NetConn()
		default:
			return nil
		}
	}
	return nil
}

// Read reads from the client. A wait for the next request that Shutdown has
// ended fails only when nothing has arrived by then.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.tcp.Read(p)
		if n > 0 {
			c.read.Add(uint64(n))
			if c.tls && !c.spoken {
				c.spoken = true
				if looksLikeHTTP(p[:n]) {
					c.server.plainOnTLS(c)
					return 0, errPlainHTTP
				}
			}
			return n, err
		}
		if err == nil || len(p) == 0 {
			return n, err
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if c.reprieved(time.Now()) {
				continue
			}
			return n, err
		}
		c.ended = true
		return n, err
	}
}

// Write writes to the client for as long as the client takes data. Each time
// write_timeout passes it looks for progress, so that a client that stands still
// is cut off after one to two times write_timeout, and one that is only slow is
// not. An earlier deadline of SetWriteDeadline holds as well.
func (c *Conn) Write(p []byte) (int, error) {
	limited := c.writeLimit.Load() != 0
	written, before := 0, -1
	if !limited {
		n, err := c.quick.write(p)
		c.written.Add(uint64(n))
		if err != nil || n == len(p) {
			return n, c.opError(err)
		}
		written = n
		// A deadline that has passed by the next answer would end it at once.
		defer func() { _ = c.tcp.SetWriteDeadline(time.Time{}) }()
	}
	for {
		if err := c.armWrite(); err != nil {
			return written, err
		}
		n, err := c.tcp.Write(p[written:])
		written += n
		c.written.Add(uint64(n))
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || c.writeLimitPassed() {
			return written, err
		}
		// A large send buffer takes no new data until a good part of it is free,
		// however steadily the client reads: what the kernel still holds tells.
		queued := unsent(c.tcp)
		if n == 0 && (queued < 0 || (before >= 0 && queued >= before)) {
			return written, err
		}
		before = queued
	}
}

// opError dresses a bare error of the system as package net does.
func (c *Conn) opError(err error) error {
	if err == nil {
		return nil
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return err
	}
	return &net.OpError{Op: "write", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("write", err)}
}

// armWrite sets the deadline for the next piece of a write.
func (c *Conn) armWrite() error {
	timeout := c.server.options.Config.WriteTimeout
	limit := c.writeLimit.Load()
	if timeout <= 0 {
		return nil // SetWriteDeadline has set the limit itself
	}
	deadline := time.Now().Add(timeout)
	if limit != 0 && limit < deadline.UnixNano() {
		deadline = time.Unix(0, limit)
	}
	return c.tcp.SetWriteDeadline(deadline)
}

func (c *Conn) writeLimitPassed() bool {
	limit := c.writeLimit.Load()
	return limit != 0 && time.Now().UnixNano() >= limit
}

// Close closes the connection, at most once, after reading on when DiscardOnClose
// has asked for it.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if c.discard.Load() && !c.ended {
		c.server.closeSlowly(c.tcp)
	}
	err := c.tcp.Close()
	c.server.conns.remove(c)
	return err
}

// DiscardOnClose has Close end the sending side first, and then read and discard
// for at most a second and 256 KiB. To close with unread data resets the
// connection, and a client that is still uploading would see the reset in place
// of the answer. It is called in a request, for an answer after which the
// connection ends, and is forgotten when it does not.
func (c *Conn) DiscardOnClose() { c.discard.Store(true) }

// Alive reports whether the client is still there, without blocking. False means
// that it has closed the connection, its sending side at least, or has reset it.
// On Windows it is always true.
func (c *Conn) Alive() bool {
	switch peek(c.tcp) {
	case peekEnd:
		return false
	case peekData:
		// Below TLS there may be a last record, the good-bye, before the end.
		return !c.tls || !hungUp(c.tcp)
	default:
		return true
	}
}

// Unsent returns how many bytes of answers the client has not acknowledged yet, or
// -1 when that cannot be told.
func (c *Conn) Unsent() int { return unsent(c.tcp) }

// setState follows the library: active from the first byte of a request to the
// end of its answer, idle between two requests.
func (c *Conn) setState(state fasthttp.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = state
	switch state {
	case fasthttp.StateIdle:
		c.discard.Store(false)
	case fasthttp.StateActive:
		c.relent()
	}
}

// relent takes back what hurry did. mu must be held.
func (c *Conn) relent() {
	if !c.hurried {
		return
	}
	c.hurried = false
	c.limit.at = time.Time{}
	if timeout := c.server.options.Config.ReadTimeout; timeout > 0 {
		c.limit.at = time.Now().Add(timeout)
	}
	_ = c.limit.arm(c.tcp)
}

// hurry ends the wait for a next request, so that the connection closes, and
// leaves a connection with a request alone. One that has not sent its first
// request is given until patience is over.
func (c *Conn) hurry(now time.Time, patience time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == fasthttp.StateIdle || c.state == fasthttp.StateNew && now.Sub(c.since) >= patience {
		c.hurried = true
		_ = c.limit.set(c.tcp, time.Unix(1, 0))
	}
}

// reprieved reports whether a read whose time is up is to go on after all: its
// deadline has moved on in the meantime, or hurry has ended it and a request has
// arrived.
func (c *Conn) reprieved(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hurried {
		return c.limit.early(now) && c.limit.arm(c.tcp) == nil
	}
	if peek(c.tcp) != peekData {
		return false
	}
	c.relent()
	return true
}

// answering reports whether the connection is in a request.
func (c *Conn) answering() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == fasthttp.StateActive
}

// fresh reports whether not a byte of a request has come yet.
func (c *Conn) fresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == fasthttp.StateNew
}

// abort ends the connection at once, under the feet of whoever uses it. The
// user's own Close still follows.
func (c *Conn) abort() { _ = c.tcp.Close() }

// LocalAddr returns the address the client connected to, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return c.tcp.LocalAddr() }

// RemoteAddr returns the client's address, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return c.tcp.RemoteAddr() }

// RemoteIP returns the client's address.
func (c *Conn) RemoteIP() netip.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets when a read fails. When hurry has ended the wait for a
// request, it stays ended.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hurried {
		return nil
	}
	return c.limit.set(c.tcp, t)
}

// SetWriteDeadline sets when writing ends, whether the client makes progress or
// not. Zero: never, as long as it does.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	limit := int64(0)
	if !t.IsZero() {
		limit = t.UnixNano()
	}
	c.writeLimit.Store(limit)
	return c.tcp.SetWriteDeadline(t)
}

// CloseWrite ends the sending side.
func (c *Conn) CloseWrite() error { return c.tcp.CloseWrite() }

// SetKeepAlive switches TCP keep-alive on or off.
func (c *Conn) SetKeepAlive(on bool) error { return c.tcp.SetKeepAlive(on) }

// SetKeepAlivePeriod sets the time between TCP keep-alive probes.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error { return c.tcp.SetKeepAlivePeriod(d) }

// SyscallConn gives access to the descriptor.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.tcp.SyscallConn() }
