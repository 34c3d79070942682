package call

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// Names that lead elsewhere than they did. In these tests 127.0.0.2 stands for a
// public address, and everything else is as it is.

// rebinding is a client whose name server answers as a test says, and two servers
// on one port: a public one and one that must not be reached.
type rebinding struct {
	*Client
	public, private *script
	origin          string // by a name
	questions       atomic.Int64
	answer          atomic.Pointer[func(n int64, kind uint16) []netip.Addr] // n counts the questions for IPv4
}

func newRebinding(t *testing.T) *rebinding {
	t.Helper()
	r := new(rebinding)
	private := listen(t)
	_, port, _ := net.SplitHostPort(private.Addr().String())
	outside, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		_ = private.Close()
		t.Skipf("this system has no second loopback address: %v", err)
	}
	server := func(l net.Listener, text string) *script {
		return serveOn(t, l, "http", func(_ *script, c *peer, _ int64) {
			for c.request() != nil {
				c.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n" + text)
			}
		})
	}
	// The public one closes, so that each call looks at the name again.
	r.public, r.private = server(outside, "Connection: close\r\n\r\npublic!"), server(private, "\r\nprivate")
	r.origin = "http://rebind.test:" + port

	names, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := names.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = names.WriteTo(dnsAnswer(buf[:n], func(kind uint16) []netip.Addr {
				number := r.questions.Load()
				if kind == typeA {
					number = r.questions.Add(1)
				}
				return (*r.answer.Load())(number, kind)
			}), from)
		}
	}()
	r.Client = newClient(t, Options{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", names.LocalAddr().String())
	}}})
	r.Client.public = func(ip netip.Addr) bool { return ip == netip.MustParseAddr("127.0.0.2") || public(ip) }
	return r
}

// says sets what the name leads to, by the number of the question.
func (r *rebinding) says(answer func(n int64, kind uint16) []netip.Addr) {
	r.questions.Store(0)
	r.answer.Store(&answer)
}

// addresses are those of a kind among some, in a text with spaces.
func addresses(text string, kind uint16) (all []netip.Addr) {
	for s := range strings.FieldsSeq(text) {
		if ip := netip.MustParseAddr(s); ip.Is4() == (kind == typeA) {
			all = append(all, ip)
		}
	}
	return all
}

// TestRebindingLater: a name that was public is refused once it leads inside, and
// allowed again when it does not.
func TestRebindingLater(t *testing.T) {
	r := newRebinding(t)
	answers := []string{"127.0.0.2", "127.0.0.1", "127.0.0.2 127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "127.0.0.2"}
	r.says(func(n int64, kind uint16) []netip.Addr {
		if kind != typeA {
			return nil
		}
		return addresses(answers[(n-1)%int64(len(answers))], kind)
	})
	for _, answer := range answers {
		got := doPublic(t, r.Client, r.origin)
		if strings.HasPrefix(answer, "127.0.0.2") {
			got.succeeded(t, 200, "public!")
		} else {
			got.failed(t, ErrDenied, "not a public address")
		}
	}
	if n := r.private.conns.Load(); n != 0 {
		t.Errorf("%d connections got inside", n)
	}
	if n := r.questions.Load(); n != int64(len(answers)) {
		t.Errorf("%d questions for %d calls", n, len(answers))
	}
}

// TestRebindingMixed: of several addresses at once, in whatever order and of both
// families (which are tried side by side), only the public one is connected to.
func TestRebindingMixed(t *testing.T) {
	r := newRebinding(t)
	for _, answer := range []string{
		"127.0.0.1 127.0.0.2", "127.0.0.2 127.0.0.1", "::1 127.0.0.2", "::1 fe80::1 127.0.0.1 127.0.0.2",
		"::ffff:127.0.0.1 127.0.0.2", "64:ff9b::127.0.0.1 2002:7f00:1::1 127.0.0.2", "0.0.0.0 :: 127.0.0.2", "100.64.0.1 127.0.0.2",
	} {
		r.says(func(_ int64, kind uint16) []netip.Addr { return addresses(answer, kind) })
		doPublic(t, r.Client, r.origin).succeeded(t, 200, "public!")
	}
	for _, answer := range []string{
		"127.0.0.1 ::1", "::ffff:127.0.0.1", "::", "fe80::1 fc00::1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "127.0.0.3 10.0.0.1 192.168.0.1",
	} {
		r.says(func(_ int64, kind uint16) []netip.Addr { return addresses(answer, kind) })
		doPublic(t, r.Client, r.origin).failed(t, ErrDenied, "not a public address")
	}
	if n := r.private.conns.Load(); n != 0 {
		t.Errorf("%d connections got inside", n)
	}
}

// TestPrivateConnectionIsNotShared: a connection that a call to a private address
// has left behind is no way in for one that may reach public ones only.
func TestPrivateConnectionIsNotShared(t *testing.T) {
	r := newRebinding(t)
	r.says(func(_ int64, kind uint16) []netip.Addr { return addresses("127.0.0.1", kind) })
	do(r.Client, r.origin, "GET", "/", "").succeeded(t, 200, "private")
	doPublic(t, r.Client, r.origin).failed(t, ErrDenied, "127.0.0.1")
	do(r.Client, r.origin, "GET", "/", "").succeeded(t, 200, "private")
	if conns, requests := r.private.conns.Load(), r.private.requests.Load(); conns != 1 || requests != 2 {
		t.Errorf("%d connections and %d requests, want 1 and 2", conns, requests)
	}
}

// TestLocalhost: localhost is this machine, even where a name server says otherwise.
func TestLocalhost(t *testing.T) {
	s := answering(t, ok)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.origin, "http://"))
	do(newClient(t, Options{}), "http://localhost:"+port, "GET", "/", "").succeeded(t, 200, "ok")
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.1.2.3:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"10.0.0.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "8.8.8.8:80": false, "nonsense": false,
	} {
		if err := onlyLoopback(context.Background(), "tcp", address, nil); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestNumericHosts: what resolvers may take for an address in an old notation ends
// where the address that comes out of it does.
func TestNumericHosts(t *testing.T) {
	s := answering(t, ok)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.origin, "http://"))
	c := newClient(t, Options{})
	for host := range strings.FieldsSeq("2130706433 0x7f.1 0x7f000001 127.1 127.0.1 0177.0.0.1 017700000001 localhost. 127.0.0.1. 0") {
		if r := doPublic(t, c, "http://"+host+":"+port); r.err == nil {
			t.Errorf("%s got through", host)
		}
	}
	if n := s.conns.Load(); n != 0 {
		t.Errorf("%d connections got through", n)
	}
}

// TestNoProxy: no variable of the environment has calls go elsewhere.
func TestNoProxy(t *testing.T) {
	proxy, s := answering(t, ok), answering(t, ok)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.origin)
	}
	t.Setenv("NO_PROXY", "")
	do(newClient(t, Options{}), s.origin, "GET", "/", "").succeeded(t, 200, "ok")
	if n := proxy.conns.Load(); n != 0 {
		t.Errorf("%d connections to the proxy", n)
	}
}
