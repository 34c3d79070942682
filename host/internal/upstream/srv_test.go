package upstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func ask(t *testing.T, s *nameServer, name string) (answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return lookup(ctx, name, s.addr)
}

// TestLookup: the records, in an order that is always the same, and the least time
// they are good for.
func TestLookup(t *testing.T) {
	s := newNameServer(t)
	s.set(zone{
		{"b.user.internal.", 8001, 10, 5, 300},
		{"A.user.internal.", 8001, 10, 60, 7},
		{"backup.user.internal.", 80, 20, 0, 60},
		{"a.user.internal.", 8001, 30, 60, 60}, // the first again
	})
	got, err := ask(t, s, "_http._tcp.user.internal")
	want := answer{ttl: 7 * time.Second, records: []record{
		{"http://a.user.internal.:8001", 10, 60},
		{"http://b.user.internal.:8001", 10, 5},
		{"http://backup.user.internal.:80", 20, 0},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v, want %+v", got, err, want)
	}
	got, err = ask(t, s, "_https._tcp.user.internal")
	if err != nil || got.records[0].origin != "https://a.user.internal.:8001" {
		t.Errorf("got %+v %v", got, err)
	}
}

// TestLies: records that lead nowhere are left out, and it is said which.
func TestLies(t *testing.T) {
	good := srv{"a.internal.", 80, 1, 1, 60}
	for _, c := range []struct {
		name    string
		zone    zone
		records int
		says    string
	}{
		{"port 0", zone{good, {"b.internal.", 0, 1, 1, 60}}, 1, `port 0 in a record for "b.internal."`},
		{"only port 0", zone{{"b.internal.", 0, 1, 1, 60}}, 0, `port 0 in a record for "b.internal."`},
		{"not available", zone{{".", 80, 0, 0, 60}}, 0, `the name "." says that the service is not available`},
		{"not available, and yet", zone{{".", 80, 0, 0, 60}, good}, 1, `the name "."`},
		{"strange names", zone{good, {"a b.internal.", 80, 1, 1, 60}, {"u@h.internal.", 80, 1, 1, 60}, {"x\n.internal.", 80, 1, 1, 60}, {"127.0.0.9.", 80, 1, 1, 60}, {"a/b.internal.", 80, 1, 1, 60}}, 1, "invalid names"},
		{"none", nil, 0, "no such host"},
	} {
		s := newNameServer(t)
		s.set(c.zone)
		got, err := ask(t, s, "_http._tcp.user.internal")
		if len(got.records) != c.records || !strings.Contains(got.ignored+fmt.Sprint(err), c.says) || (err == nil) != (c.records > 0) {
			t.Errorf("%s: got %+v %v", c.name, got, err)
		}
		if err != nil && !errors.Is(err, errNone) {
			t.Errorf("%s: %v is not errNone", c.name, err)
		}
	}
}

// TestManyRecords: an answer as long as TCP can carry is read, and not all of it is
// used.
func TestManyRecords(t *testing.T) {
	var z zone
	for i := range 1000 {
		z = append(z, srv{fmt.Sprintf("h%04d.internal.", i), 80, 1, 1, 60})
	}
	rand.Shuffle(len(z), func(i, j int) { z[i], z[j] = z[j], z[i] })
	s := newNameServer(t)
	s.set(z)
	got, err := ask(t, s, "_http._tcp.user.internal")
	if err != nil || len(got.records) != maxTargets || got.ttl != time.Minute || got.ignored != "872 of 1000 records; a service has at most 128 targets" {
		t.Errorf("%d records %v %q %v", len(got.records), got.ttl, got.ignored, err)
	}
	for i, r := range got.records {
		if r.origin != fmt.Sprintf("http://h%04d.internal.:80", i) {
			t.Fatalf("record %d is %v", i, r)
		}
	}
	// A server that tells of ten thousand, in a message that is none for that.
	var found []*net.SRV
	for i := range 10_000 {
		found = append(found, &net.SRV{Target: fmt.Sprintf("h%05d.", i), Port: 80})
	}
	if records, ignored := usable(found, "http"); len(records) != maxTargets || !strings.Contains(ignored, "9872 of 10000") {
		t.Errorf("%d records, %s", len(records), ignored)
	}
}

// TestUDP: a server without TCP is asked without.
func TestUDP(t *testing.T) {
	s := newNameServer(t)
	s.set(zone{{"a.internal.", 1, 1, 1, 60}, {"b.internal.", 2, 1, 1, 9}, {"c.internal.", 3, 1, 1, 60}, {"d.internal.", 4, 1, 1, 60}})
	if got, err := ask(t, s, "_http._tcp.user.internal"); err != nil || len(got.records) != 4 || got.ttl != 9*time.Second {
		t.Errorf("over TCP got %+v %v", got, err)
	}
	_ = s.tcp.Close()
	if got, err := ask(t, s, "_http._tcp.user.internal"); err != nil || len(got.records) != 3 || got.ttl != 9*time.Second {
		t.Errorf("over UDP got %+v %v", got, err)
	}
}

// TestAliases: records behind an alias count, with its TTL; aliases in a circle lead
// nowhere.
func TestAliases(t *testing.T) {
	alias := func(from, to string, ttl uint32) dnsmessage.Resource {
		return dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(from), Type: dnsmessage.TypeCNAME, Class: dnsmessage.ClassINET, TTL: ttl},
			Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to)},
		}
	}
	s := newNameServer(t)
	s.setAnswer(func(q dnsmessage.Question, _ bool) dnsmessage.Message {
		m := zone{{"a.internal.", 80, 1, 1, 60}}.answer(q, false)
		m.Answers = append([]dnsmessage.Resource{alias(q.Name.String(), "_http._tcp.real.internal.", 5)}, m.Answers...)
		return m
	})
	if got, err := ask(t, s, "_http._tcp.user.internal"); err != nil || len(got.records) != 1 || got.ttl != 5*time.Second {
		t.Errorf("got %+v %v", got, err)
	}
	s.setAnswer(func(q dnsmessage.Question, _ bool) dnsmessage.Message {
		return dnsmessage.Message{Answers: []dnsmessage.Resource{
			alias(q.Name.String(), "_http._tcp.loop.internal.", 5), alias("_http._tcp.loop.internal.", q.Name.String(), 5),
		}}
	})
	if got, err := ask(t, s, "_http._tcp.user.internal"); err == nil {
		t.Errorf("aliases in a circle lead to %+v", got)
	}
}

// TestGarbage: what is no answer is none, whatever comes before the answer.
func TestGarbage(t *testing.T) {
	s := newNameServer(t)
	_ = s.tcp.Close()
	s.setRaw(func(query []byte) (all [][]byte) {
		for range 3 {
			b := make([]byte, rand.IntN(600))
			for i := range b {
				b[i] = byte(rand.Uint32())
			}
			all = append(all, b)
		}
		return append(all, query, query[:3], nil)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if got, err := lookup(ctx, "_http._tcp.user.internal", s.addr); err == nil {
		t.Errorf("got %+v", got)
	}
	for _, rcode := range []dnsmessage.RCode{dnsmessage.RCodeServerFailure, dnsmessage.RCodeRefused, dnsmessage.RCodeFormatError} {
		s.setAnswer(func(dnsmessage.Question, bool) dnsmessage.Message {
			return dnsmessage.Message{Header: dnsmessage.Header{RCode: rcode}}
		})
		if got, err := ask(t, s, "_http._tcp.user.internal"); err == nil || errors.Is(err, errNone) {
			t.Errorf("%v: got %+v %v", rcode, got, err)
		}
	}
}

func TestParseTTL(t *testing.T) {
	build := func(change func(*dnsmessage.Message)) []byte {
		name := dnsmessage.MustNewName("_http._tcp.a.")
		m := zone{{"a.", 1, 1, 1, 90}, {"b.", 1, 1, 1, 30}}.answer(dnsmessage.Question{Name: name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}, true)
		m.Response = true
		change(&m)
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := build(func(*dnsmessage.Message) {})
	for name, c := range map[string]struct {
		message []byte
		ttl     uint32
		ok      bool
	}{
		"two":           {whole, 30, true},
		"question":      {build(func(m *dnsmessage.Message) { m.Response = false }), 0, false},
		"truncated":     {build(func(m *dnsmessage.Message) { m.Truncated = true }), 0, false},
		"failure":       {build(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeNameError }), 0, false},
		"empty":         {build(func(m *dnsmessage.Message) { m.Answers = nil }), 0, false},
		"negative":      {build(func(m *dnsmessage.Message) { m.Answers[0].Header.TTL = 1 << 31 }), 0, true},
		"cut":           {whole[:len(whole)-1], 0, false},
		"nothing":       {nil, 0, false},
		"only a header": {whole[:12], 0, false},
	} {
		if ttl, ok := parseTTL(c.message); ttl != c.ttl || ok != c.ok {
			t.Errorf("%s: %d %v", name, ttl, ok)
		}
	}
}

// FuzzParseTTL: whatever comes, it ends, and what it tells is a TTL that is there.
func FuzzParseTTL(f *testing.F) {
	name := dnsmessage.MustNewName("_http._tcp.user.internal.")
	m := zone{{"a.internal.", 1, 1, 1, 90}}.answer(dnsmessage.Question{Name: name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}, true)
	m.Response = true
	b, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:20])
	f.Add([]byte("\x00\x00\x80\x00\x00\x01\xff\xff\x00\x00\x00\x00\xc0\x0c\x00\x21\x00\x01"))
	f.Fuzz(func(t *testing.T, message []byte) {
		ttl, ok := parseTTL(message)
		if ttl > 1<<31-1 || !ok && ttl != 0 {
			t.Errorf("%d %v", ttl, ok)
		}
		// The same over TCP, in two pieces.
		if len(message) > 1<<16-1 {
			return
		}
		l := new(leastTTL)
		c := &stream{Conn: &pieces{append([]byte{byte(len(message) >> 8), byte(len(message))}, message...)}, ttl: l}
		buf := make([]byte, 7)
		for {
			if _, err := c.Read(buf); err != nil {
				break
			}
		}
		if l.known != ok || ok && l.seconds != ttl {
			t.Errorf("over TCP %d %v, else %d %v", l.seconds, l.known, ttl, ok)
		}
	})
}

// pieces is a connection to read from.
type pieces struct{ rest []byte }

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, net.ErrClosed
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
func (p *pieces) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (p *pieces) Close() error                     { return nil }
func (p *pieces) LocalAddr() net.Addr              { return nil }
func (p *pieces) RemoteAddr() net.Addr             { return nil }
func (p *pieces) SetDeadline(time.Time) error      { return nil }
func (p *pieces) SetReadDeadline(time.Time) error  { return nil }
func (p *pieces) SetWriteDeadline(time.Time) error { return nil }
