package call

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func send(c *Client, peer Peer, method string) result {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	req.Header.SetMethod(method)
	req.SetRequestURI("/")
	err := c.Send(ctx, peer, req, resp)
	return result{status: resp.StatusCode(), body: string(resp.Body()), err: err}
}

// TestNoConnection: an error tells whether a request can have been seen.
func TestNoConnection(t *testing.T) {
	l := listen(t)
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	c := newClient(t, Options{})
	refused := do(c, nobody, "POST", "/", "")
	refused.failed(t, ErrUnavailable, "no connection")
	if !errors.Is(refused.err, ErrNoConnection) {
		t.Errorf("%v is not ErrNoConnection", refused.err)
	}

	gone := serve(t, func(*script, *peer, int64) {})
	broken := do(c, gone.origin, "POST", "/", "")
	broken.failed(t, ErrUnavailable, "")
	if errors.Is(broken.err, ErrNoConnection) {
		t.Errorf("%v is ErrNoConnection", broken.err)
	}
	secure := do(c, strings.Replace(gone.origin, "http:", "https:", 1), "POST", "/", "")
	secure.failed(t, ErrUnavailable, "TLS handshake")
	if !errors.Is(secure.err, ErrNoConnection) {
		t.Errorf("%v is not ErrNoConnection", secure.err)
	}

	silent := serve(t, func(_ *script, p *peer, _ int64) { p.rest() })
	late := send(c, Peer{Origin: strings.Replace(silent.origin, "http:", "https:", 1), Private: true, DialTimeout: 20 * time.Millisecond}, "POST")
	late.failed(t, ErrUnavailable, "no connection within 20ms")
	if !errors.Is(late.err, ErrNoConnection) {
		t.Errorf("%v is not ErrNoConnection", late.err)
	}
}

// TestPeers: connections are not shared by those that find the same name elsewhere.
func TestPeers(t *testing.T) {
	one, two := answering(t, ok), answering(t, strings.Replace(ok, "ok", "no", 1))
	c := newClient(t, Options{})
	to := func(s *script) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("nobody to ask at " + s.origin)
		}}
	}
	send(c, Peer{Origin: one.origin, Private: true, Resolver: to(one)}, "GET").succeeded(t, 200, "ok")
	send(c, Peer{Origin: one.origin, Private: true, Resolver: to(two)}, "GET").succeeded(t, 200, "ok")
	if n := one.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	name := Peer{Origin: "http://name.test.", Private: true, Resolver: to(one)}
	send(c, name, "GET").failed(t, ErrUnavailable, "nobody to ask at "+one.origin)
}

// TestCloseIdle: of one peer, and not those in use.
func TestCloseIdle(t *testing.T) {
	s := answering(t, ok)
	c := newClient(t, Options{})
	peer := Peer{Origin: s.origin, Private: true}
	send(c, peer, "GET").succeeded(t, 200, "ok")
	c.CloseIdle(Peer{Origin: s.origin})
	if n := c.idleConns(); n != 1 {
		t.Errorf("%d idle connections, want 1", n)
	}
	c.CloseIdle(peer)
	if n := c.idleConns(); n != 0 || len(c.pools) != 0 {
		t.Errorf("%d idle connections and %d pools", n, len(c.pools))
	}
	send(c, peer, "GET").succeeded(t, 200, "ok")
	c.CloseIdle(Peer{Origin: "http://nowhere.test"})
}
