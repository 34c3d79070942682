package call

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp"
)

func doPublic(t *testing.T, c *Client, origin string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	req.SetRequestURI("/")
	err := c.Do(ctx, origin, false, req, resp)
	return result{status: resp.StatusCode(), body: string(resp.Body()), err: err}
}

func TestPublic(t *testing.T) {
	for _, c := range []struct {
		want      bool
		addresses string
	}{
		{true, "1.1.1.1 8.8.8.8 93.184.216.34 168.63.129.15 168.63.129.17 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 223.255.255.255"},
		{true, "2606:4700::1111 2001:4860:4860::8888 2a00:1450::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 2002:101:101::1"},
		{false, "0.0.0.0 0.1.2.3 10.0.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.168.0.1"},
		{false, "100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1"},
		{false, "168.63.129.16 64:ff9b::168.63.129.16"},
		{false, "192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255"},
		{false, ":: ::1 ::127.0.0.1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd12:3456::1 ff02::1 ff0e::1"},
		{false, "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0.0.0.0 ::ffff:169.254.169.254"},
		{false, "64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::1 2002:7f00:1::1 2002:a00:1::1 2002:a9fe:a9fe::"},
		{false, "2001:db8::1 2001::1 2001:10::1 3fff::1 100::1 4000::1 5f00::1 2606:4700::1111%eth0"},
	} {
		for address := range strings.FieldsSeq(c.addresses) {
			if got := public(netip.MustParseAddr(address)); got != c.want {
				t.Errorf("%s: public is %v", address, got)
			}
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestDenied(t *testing.T) {
	s := answering(t, ok)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.origin, "http://"))
	c := newClient(t, Options{})
	for _, origin := range []string{
		s.origin, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://[::1]:" + port,
		"http://0.0.0.0:" + port, "http://[::]:" + port, "https://10.0.0.1", "http://169.254.169.254", "http://127.1.2.3:" + port,
	} {
		doPublic(t, c, origin).failed(t, ErrDenied, "not a public address")
	}
	if n := s.conns.Load(); n != 0 {
		t.Errorf("%d connections got through", n)
	}
}

// resolver answers every question for an IPv4 address with the given ones.
func resolver(t *testing.T, questions *atomic.Int64, addresses func(n int64) [][4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(dnsAnswer(buf[:n], func(kind uint16) (all []netip.Addr) {
				if kind == typeA {
					for _, a := range addresses(questions.Add(1)) {
						all = append(all, netip.AddrFrom4(a))
					}
				}
				return all
			}), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// The types of questions for addresses.
const typeA, typeAAAA = 1, 28

// dnsAnswer builds the answer to a question (RFC 1035 section 4).
func dnsAnswer(question []byte, addresses func(kind uint16) []netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5
	kind := binary.BigEndian.Uint16(question[end-4:])
	answers := addresses(kind)
	out := append([]byte(nil), question[:end]...)
	binary.BigEndian.PutUint16(out[2:], 0x8180)
	binary.BigEndian.PutUint16(out[6:], uint16(len(answers)))
	binary.BigEndian.PutUint16(out[8:], 0)
	binary.BigEndian.PutUint16(out[10:], 0)
	for _, a := range answers {
		b := a.AsSlice()
		out = append(out, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(b)))
		out = append(out, b...)
	}
	return out
}

// TestRebinding: a name that is looked at once and then leads elsewhere, or to
// several addresses, gets no connection to a private one.
func TestRebinding(t *testing.T) {
	s := answering(t, ok)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.origin, "http://"))
	var questions atomic.Int64
	c := newClient(t, Options{Resolver: resolver(t, &questions, func(int64) [][4]byte {
		return [][4]byte{{127, 0, 0, 1}, {10, 255, 255, 1}, {127, 0, 0, 2}}
	})})
	origin := "http://rebind.test:" + port
	doPublic(t, c, origin).failed(t, ErrDenied, "127.0.0.1:"+port+" is not a public address")
	if questions.Load() == 0 {
		t.Error("the name was not looked up")
	}
	if n := s.conns.Load(); n != 0 {
		t.Errorf("%d connections got through", n)
	}
	// The same name is fine where private addresses are allowed.
	do(c, origin, "GET", "/", "").succeeded(t, 200, "ok")
}

func TestNoSuchName(t *testing.T) {
	var questions atomic.Int64
	c := newClient(t, Options{Resolver: resolver(t, &questions, func(int64) [][4]byte { return nil })})
	do(c, "http://nowhere.test", "GET", "/", "").failed(t, ErrUnavailable, "no such host")
}

// TestDeadlineOfName: the deadline covers a name server that does not answer.
func TestDeadlineOfName(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	asked := make(chan struct{})
	c := newClient(t, Options{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", silent.LocalAddr().String())
	}}})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(asked)
		_, _, _ = silent.ReadFrom(make([]byte, 1500))
		cancel()
	}()
	if r := doContext(ctx, c, "http://slow.test", "GET", "/", ""); !errors.Is(r.err, context.Canceled) {
		t.Errorf("got %v", r.err)
	}
	<-asked
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct{ origin, dial, header string }{
		{"http://a", "a:80", "a"},
		{"https://a.example", "a.example:443", "a.example"},
		{"http://a:8080", "a:8080", "a:8080"},
		{"http://a:80", "a:80", "a"},
		{"https://a:80", "a:80", "a:80"},
		{"http://10.0.0.2:8001", "10.0.0.2:8001", "10.0.0.2:8001"},
		{"http://[2001:db8::1]:8080", "[2001:db8::1]:8080", "[2001:db8::1]:8080"},
		{"http://[::1]", "[::1]:80", "[::1]"},
		{"http://_x._tcp.a", "_x._tcp.a:80", "_x._tcp.a"},
		{"http://a.example.:8080", "a.example.:8080", "a.example:8080"},
		{"https://a.example.", "a.example.:443", "a.example"},
	} {
		o, err := parseOrigin(c.origin)
		if err != nil || o.dial != c.dial || o.header != c.header || o.secure != strings.HasPrefix(c.origin, "https") {
			t.Errorf("%s: %+v %v", c.origin, o, err)
		}
	}
	for origin := range strings.SplitSeq("|a|a:80|ftp://a|http://|http://:80|http://a:|http://a:0|http://a:65536|http://a/|http://a/b|http://u:p@a|http://u@a|http://a?x|http://a b|http://ä|http://[::1|http://::1|http://[::1%25lo]|http://[127.0.0.1]|http://a\r\nX: y|HTTP://a", "|") {
		c := newClient(t, Options{})
		if r := do(c, origin, "GET", "/", ""); !errors.Is(r.err, ErrRequest) {
			t.Errorf("%q: %v", origin, r.err)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"http://a", "https://[::1]:443", "http://10.0.0.1:8080", "http://a:b:c", "http://[::ffff:1.2.3.4]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOrigin(text)
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		host, port, err := net.SplitHostPort(o.dial)
		if err != nil || host == "" || port == "" || host != o.host || strings.ContainsAny(o.header, "\r\n \t/@") {
			t.Errorf("%q: %+v %v", text, o, err)
		}
	})
}
