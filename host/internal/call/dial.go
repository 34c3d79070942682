package call

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// conn is a connection to an origin. One call at a time uses it.
type conn struct {
	net.Conn              // TLS, where there is
	tcp      *net.TCPConn // what is below
	pool     *pool
	since    time.Time // idle since
	reused   bool      // has carried a call before this one
}

// connect returns a connection for a call: an idle one, or a new one when fresh
// is asked for, which may take as long as timeout.
func (c *Client) connect(ctx context.Context, p *pool, fresh bool, timeout time.Duration) (*conn, error) {
	if !fresh {
		if conn := c.reuse(p); conn != nil {
			return conn, nil
		}
	}
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := net.Dialer{Resolver: p.key.resolver}
	// After the name has been resolved and for each of its addresses, so that no
	// second look at the name can give another answer.
	switch {
	case !p.key.private:
		dialer.ControlContext = c.onlyPublic
	case p.origin.host == "localhost":
		dialer.ControlContext = onlyLoopback
	}
	raw, err := dialer.DialContext(timed, "tcp", p.origin.dial)
	if err != nil {
		return nil, dialError(ctx, timed, &p.origin, timeout, err)
	}
	conn := &conn{Conn: raw, tcp: raw.(*net.TCPConn), pool: p}
	if !p.origin.secure {
		return conn, nil
	}
	secure := tls.Client(raw, &tls.Config{
		ServerName:         p.origin.host,
		RootCAs:            c.options.RootCAs,
		ClientSessionCache: c.sessions,
		NextProtos:         []string{"http/1.1"},
		MinVersion:         tls.VersionTLS12,
	})
	if err := secure.HandshakeContext(timed); err != nil {
		_ = raw.Close()
		if timed.Err() != nil {
			return nil, dialError(ctx, timed, &p.origin, timeout, err)
		}
		return nil, noConnection(ctx, &p.origin, "TLS handshake", err)
	}
	conn.Conn = secure
	return conn, nil
}

func dialError(ctx, timed context.Context, o *origin, timeout time.Duration, err error) error {
	switch {
	case ended(ctx) != nil:
		return ended(ctx)
	case errors.Is(err, ErrDenied):
		return fmt.Errorf("%s: %w", o.text, err)
	case timed.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return unsent{fmt.Errorf("%w: %s: no connection within %v: %w", ErrUnavailable, o.text, timeout, err)}
	default:
		return noConnection(ctx, o, "no connection", err)
	}
}

// noConnection is unavailable for a connection that was not made.
func noConnection(ctx context.Context, o *origin, what string, cause error) error {
	if err := ended(ctx); err != nil {
		return err
	}
	return unsent{fmt.Errorf("%w: %s: %s: %w", ErrUnavailable, o.text, what, cause)}
}

// onlyPublic refuses a connection, before its first packet, to an address that is
// not public.
func (c *Client) onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !c.public(at.Addr()) {
		return fmt.Errorf("%w: %s is not a public address; to allow it, list the address itself in outbound", ErrDenied, address)
	}
	return nil
}

// onlyLoopback refuses a connection to another machine: localhost is this one,
// whatever a name server says where no hosts file does.
func onlyLoopback(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("%w: %s is no address of localhost", ErrDenied, address)
	}
	return nil
}

// drop closes the connection without the last words of TLS, which may have to
// wait for the other side.
func (c *conn) drop() { _ = c.tcp.Close() }

// quiet reports whether an idle connection is still open and has nothing to say:
// what comes unasked belongs to no answer.
func (c *conn) quiet() bool {
	if !silent(c.tcp) {
		return false
	}
	secure, ok := c.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	// TLS may hold the rest of a record that has been read already.
	var one [1]byte
	if secure.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	n, err := secure.Read(one[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && secure.SetReadDeadline(time.Time{}) == nil
}
