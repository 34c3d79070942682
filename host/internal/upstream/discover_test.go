package upstream

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// quick makes lookups come one after the other.
func (b *bench) quick() *bench {
	b.limits.ttlLeast, b.limits.retryFirst, b.limits.retryMost = time.Millisecond, time.Millisecond, 5*time.Millisecond
	return b
}

func (b *bench) found(s *nameServer) *Service {
	b.t.Helper()
	return b.service(Settings{SRV: "_http._tcp.user.internal", DNS: s.addr, Retries: 1})
}

// TestDiscover: the targets follow the records, and what is known of those that stay
// is kept.
func TestDiscover(t *testing.T) {
	s := newNameServer(t)
	s.set(zone{{"a.internal.", 80, 1, 1, 0}, {"b.internal.", 80, 1, 1, 0}})
	f := new(fake)
	b := newBench(t, f).quick()
	v := b.found(s)
	do(v, "GET").succeeded(t, 200) // waits for the first answer
	if got := state(v); got != "a.internal:80=healthy b.internal:80=healthy" {
		t.Error(got)
	}
	f.on("http://a.internal.:80", errRefused)
	for range 10 {
		do(v, "GET").succeeded(t, 200)
	}
	s.set(zone{{"a.internal.", 80, 1, 1, 0}, {"c.internal.", 80, 1, 1, 0}})
	waitFor(t, "new targets", func() bool { return state(v) == "a.internal:80=ejected c.internal:80=healthy" })
	if b.log.count("INFO", "service has other targets", "service=user", "srv=_http._tcp.user.internal", "before=2", "now=2") != 1 {
		t.Errorf("the log: %s", b.log)
	}
	look := v.Status().Lookup
	if look == nil || look.SRV != v.SRV || look.Last == nil || look.Next == nil || look.Error != "" {
		t.Errorf("%+v", look)
	}

	// Other settings of the same service begin with what is known.
	next := b.Take(Settings{SRV: v.SRV, DNS: v.DNS, Name: v.Name, MaxOutstanding: 7})
	if got := state(next); got != state(v) || got == "" {
		t.Error(got)
	}
	next.Leave()
}

// TestTTL: the next lookup comes when the answer is no longer good, within bounds.
func TestTTL(t *testing.T) {
	for ttl, want := range map[uint32]time.Duration{0: time.Second, 1: time.Second, 30: 30 * time.Second, 300: 5 * time.Minute, 86400: 5 * time.Minute, 1 << 31: time.Second} {
		s := newNameServer(t)
		s.set(zone{{"a.internal.", 80, 1, 1, ttl}})
		v := newBench(t, new(fake)).found(s)
		do(v, "GET").succeeded(t, 200)
		var left time.Duration
		waitFor(t, "lookup", func() bool {
			if l := v.Status().Lookup; l.Next != nil {
				left = l.Next.Sub(*l.Last)
			}
			return left > 0
		})
		if left != want {
			t.Errorf("after a TTL of %d s the next lookup comes after %v, want %v", ttl, left, want)
		}
	}
}

// TestLookupFails: while nobody answers, the last answer is good, for however long.
func TestLookupFails(t *testing.T) {
	s := newNameServer(t)
	s.set(zone{{"a.internal.", 80, 1, 1, 0}})
	b := newBench(t, new(fake)).quick()
	b.limits.keepGone = 0
	v := b.found(s)
	do(v, "GET").succeeded(t, 200)
	s.setAnswer(func(dnsmessage.Question, bool) dnsmessage.Message {
		return dnsmessage.Message{Header: dnsmessage.Header{RCode: dnsmessage.RCodeServerFailure}}
	})
	waitFor(t, "line in the log", func() bool { return b.log.count("WARN", "SRV lookup failed; the last answer is served on") == 1 })
	asked := s.asks.Load()
	waitFor(t, "more lookups", func() bool { return s.asks.Load() > asked+10 })
	do(v, "GET").succeeded(t, 200)
	if v.Status().Lookup.Error == "" || b.log.count("SRV lookup failed") != 1 {
		t.Errorf("%+v, the log: %s", v.Status().Lookup, b.log)
	}
	s.set(zone{{"a.internal.", 80, 1, 1, 0}})
	waitFor(t, "line in the log", func() bool { return b.log.count("INFO", "SRV records found again") == 1 })
}

// TestRecordsVanish: they are served for a while, then calls fail and say why, and all
// is well when they come back.
func TestRecordsVanish(t *testing.T) {
	for name, gone := range map[string]zone{
		"no such name":  nil,
		"not available": {{".", 1, 0, 0, 0}},
		"port 0":        {{"a.internal.", 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNameServer(t)
			s.set(zone{{"a.internal.", 80, 1, 1, 0}})
			b := newBench(t, new(fake)).quick()
			b.limits.keepGone = time.Hour
			v := b.found(s)
			do(v, "GET").succeeded(t, 200)
			s.set(gone)
			waitFor(t, "line in the log", func() bool {
				return b.log.count("WARN", "SRV records are gone; the last answer is served for a while", "service=user", "for=1h") == 1
			})
			do(v, "GET").succeeded(t, 200)

			// The hour is over.
			b.mu.Lock()
			v.lookup.goneFrom = v.lookup.goneFrom.Add(-time.Hour)
			b.mu.Unlock()
			waitFor(t, "end of the targets", func() bool { return state(v) == "" })
			r := do(v, "GET")
			r.failed(t, call.ErrUnavailable, "service user has no targets: the records of _http._tcp.user.internal are gone since 2")
			r.failed(t, call.ErrUnavailable, "no SRV records")
			if b.log.count("ERROR", "service has no targets") != 1 {
				t.Errorf("the log: %s", b.log)
			}
			s.set(zone{{"b.internal.", 80, 1, 1, 0}})
			waitFor(t, "targets", func() bool { return state(v) == "b.internal:80=healthy" })
			do(v, "GET").succeeded(t, 200)
		})
	}
}

// TestNeverFound: calls fail at once when the first lookup has, and work when a later
// one succeeds.
func TestNeverFound(t *testing.T) {
	s := newNameServer(t)
	b := newBench(t, new(fake)).quick()
	v := b.found(s)
	r := do(v, "GET")
	r.failed(t, call.ErrUnavailable, "service user has no targets: looking up _http._tcp.user.internal: no SRV records: lookup _http._tcp.user.internal")
	r.failed(t, call.ErrUnavailable, "no such host")
	s.set(zone{{"a.internal.", 80, 1, 1, 0}})
	waitFor(t, "targets", func() bool { return state(v) != "" })
	do(v, "GET").succeeded(t, 200)
}

// TestSilentNameServer: a call waits no longer than its deadline, and the end of the
// service for nobody.
func TestSilentNameServer(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	b := newBench(t, new(fake))
	v := b.Take(Settings{Name: "user", SRV: "_http._tcp.user.internal", DNS: silent.LocalAddr().String(), MaxOutstanding: 1})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if r := doContext(ctx, v, "GET"); !errors.Is(r.err, context.DeadlineExceeded) {
		t.Errorf("got %v", r.err)
	}
	v.Leave()
	ended := make(chan struct{})
	go func() { b.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the lookup goes on")
	}

	b = newBench(t, new(fake)).quick()
	b.limits.lookup = 10 * time.Millisecond
	v = b.service(Settings{SRV: "_http._tcp.user.internal", DNS: silent.LocalAddr().String()})
	if r := do(v, "GET"); !errors.Is(r.err, call.ErrUnavailable) || !strings.Contains(r.err.Error(), "looking up") {
		t.Errorf("got %v", r.err)
	}
}
