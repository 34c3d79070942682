package server

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestMaxConnections(t *testing.T) {
	o := options()
	log := captureLog(&o)
	o.Config.MaxConnections = 2
	s := start(t, o)
	first, second := s.dial(), s.dial()
	first.get()
	second.get()

	third := s.dial()
	a := third.get()
	a.refused(t, http.StatusServiceUnavailable, "too many connections")
	if a.Header.Get("Retry-After") != "1" || a.Header.Get("X-Request-Id") != "id-of-the-test" || !a.Close {
		t.Errorf("headers %v", a.Header)
	}
	third.ended()
	if !strings.Contains(log.String(), "server.max_connections is reached") {
		t.Errorf("the log does not name the limit:\n%s", log)
	}
	if got := s.Stats(); got.Open != 2 || got.Accepted != 2 || got.RejectedMaxConnections != 1 || got.RejectedPerIP != 0 {
		t.Errorf("%+v", got)
	}

	_ = first.Close()
	s.waitOpen(1)
	if a := s.dial().get(); a.StatusCode != 200 {
		t.Errorf("got %d after a connection had become free", a.StatusCode)
	}
}

func TestMaxConnectionsPerIP(t *testing.T) {
	o := options()
	o.Config.MaxConnectionsPerIP = 1
	s := start(t, o)
	first := s.dial()
	first.get()
	second := s.dial()
	second.get().refused(t, http.StatusTooManyRequests, "from your address")
	second.ended()

	// Another address of the loopback net is another client.
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	if conn, err := from.Dial("tcp", s.addr); err != nil {
		t.Logf("no second loopback address here: %v", err)
	} else if a := newClient(t, conn).get(); a.StatusCode != 200 {
		t.Errorf("another client got %d", a.StatusCode)
	}
	_ = first.Close()
	s.until("end of the first connection", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return newClient(t, c).get().StatusCode == 200
	})
	if got := s.Stats(); got.RejectedPerIP == 0 || got.RejectedMaxConnections != 0 {
		t.Errorf("%+v", got)
	}
}

// TestRefusedUpload: a client that is refused while it uploads sees the answer.
func TestRefusedUpload(t *testing.T) {
	o := options()
	o.Config.MaxConnections = 1
	s := start(t, o)
	s.dial().get()
	c := s.dial()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 200000))
	c.answer("POST").refused(t, http.StatusServiceUnavailable, "too many connections")
	c.ended()
}

func TestRefusedHead(t *testing.T) {
	o := options()
	o.Config.MaxConnections = 1
	s := start(t, o)
	s.dial().get()
	c := s.dial()
	c.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
	if a := c.answer("HEAD"); a.StatusCode != 503 {
		t.Errorf("got %d", a.StatusCode)
	}
	c.ended()
}

// TestRefusalsAreBounded: clients that say nothing when refused cannot pile up,
// and the accept loop goes on.
func TestRefusalsAreBounded(t *testing.T) {
	o := options()
	o.Config.MaxConnections = 1
	s := start(t, o)
	kept := s.dial()
	kept.get()
	const silent = maxGoodbyes + 20
	clients := make([]*peer, silent)
	for i := range clients {
		clients[i] = s.dial()
	}
	s.until("refusal of all", func() bool { return s.Stats().RejectedMaxConnections == silent })
	if n := len(s.goodbye); n > maxGoodbyes {
		t.Errorf("%d refusals at once, want at most %d", n, maxGoodbyes)
	}
	for _, c := range clients {
		_, _ = io.Copy(io.Discard, c) // all of them end
	}
	if a := kept.get(); a.StatusCode != 200 {
		t.Errorf("the admitted connection got %d", a.StatusCode)
	}
	s.until("end of the refusals", func() bool { return len(s.goodbye) == 0 })
}

func TestRefusalUnderTLS(t *testing.T) {
	o := options()
	o.Config.MaxConnections = 1
	roots := useTLS(t, &o)
	s := start(t, o)
	s.dialTLS(roots).get()
	c := s.dial()
	if b, _ := io.ReadAll(c); len(b) > 0 {
		t.Errorf("a TLS client was sent %q", b)
	}
	if got := s.Stats(); got.RejectedMaxConnections != 1 {
		t.Errorf("%+v", got)
	}
}

func TestClientOf(t *testing.T) {
	of := func(s string) client {
		return clientOf(addressOf(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(s), 1234))))
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"::1", "127.0.0.1", false},
		{"::", "0.0.0.0", false},
	} {
		if same := of(c.a) == of(c.b); same != c.same {
			t.Errorf("%s and %s: same is %v", c.a, c.b, same)
		}
	}
}

// TestRegistry: counters come back to zero, and no entry stays behind.
func TestRegistry(t *testing.T) {
	r := newRegistry(3, 2, nil)
	conn := func(b byte) *Conn { return &Conn{client: client{b}, since: time.Now()} }
	a, b, c := conn(1), conn(1), conn(2)
	for _, x := range []*Conn{a, b, c} {
		if v := r.add(x); v != admitted {
			t.Fatal(v)
		}
	}
	if v := r.add(conn(3)); v != overConnections {
		t.Error(v)
	}
	r.remove(c)
	if v := r.add(conn(1)); v != overPerIP {
		t.Error(v)
	}
	a.read.Store(5)
	b.written.Store(7)
	r.remove(a)
	if got := r.stats(); got != (Stats{Open: 1, Accepted: 3, RejectedMaxConnections: 1, RejectedPerIP: 1, BytesRead: 5, BytesWritten: 7}) {
		t.Errorf("%+v", got)
	}
	r.remove(b)
	if r.count() != 0 || len(r.byClient) != 0 {
		t.Errorf("%d open, %v", r.count(), r.byClient)
	}
}

// TestEbb: it is told of once, when three quarters of many connections have ended.
func TestEbb(t *testing.T) {
	told := 0
	r := newRegistry(0, 0, func() { told++ })
	fill := func(n int) (all []*Conn) {
		for range n {
			c := &Conn{since: time.Now()}
			r.add(c)
			all = append(all, c)
		}
		return all
	}
	empty := func(all []*Conn) {
		for _, c := range all {
			r.remove(c)
		}
	}
	empty(fill(manyConnections - 1))
	if told != 0 {
		t.Error("few connections are told of")
	}
	for round := 1; round <= 2; round++ {
		all := fill(2 * manyConnections)
		empty(all[:len(all)*3/4-1])
		if told != round-1 {
			t.Errorf("told %d times before three quarters had ended in round %d", told, round)
		}
		empty(all[len(all)*3/4-1:])
		if told != round {
			t.Errorf("told %d times after round %d", told, round)
		}
	}
}
