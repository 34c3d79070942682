package traffic

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestBucket(t *testing.T) {
	l := NewLimiter()
	r := &Rate{Every: 100 * time.Millisecond, Burst: 3, Salt: l.Salt("a")}
	key := l.Address(ip("192.0.2.1"))
	for _, c := range []struct {
		now, wait time.Duration // in milliseconds
		ok        bool
	}{
		{1000, 0, true}, {1000, 0, true}, {1000, 0, true}, {1000, 100, false}, {1040, 60, false},
		{1100, 0, true}, {1100, 100, false},
		{1250, 0, true}, {1299, 1, false}, {1300, 0, true},
		{9000, 0, true}, {9000, 0, true}, {9000, 0, true}, {9000, 100, false},
	} {
		wait, ok := l.Take(r, key, c.now*time.Millisecond)
		if ok != c.ok || wait != c.wait*time.Millisecond {
			t.Errorf("at %d: %v %v, want %d %v", c.now, wait, ok, c.wait, c.ok)
		}
	}
	if _, ok := l.Take(r, l.Address(ip("192.0.2.2")), 9*time.Second); !ok {
		t.Error("another client has the same bucket")
	}
	other := &Rate{Every: r.Every, Burst: 1, Salt: l.Salt("b")}
	if _, ok := l.Take(other, key, 9*time.Second); !ok {
		t.Error("another route has the same bucket")
	}
}

// Whatever the times of its requests, a client gets no more than the burst and
// what has filled up since, and all of that.
func TestBucketAgainstTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		l := NewLimiter()
		r := &Rate{Every: time.Duration(1 + random.IntN(1000)), Burst: 1 + random.IntN(10)}
		tokens, last := float64(r.Burst), int64(0)
		for now := int64(1000); now < 20_000; now += int64(random.IntN(1500)) {
			tokens = min(float64(r.Burst), tokens+float64(now-last)/float64(r.Every))
			last = now
			const rounding = 1e-6
			want := tokens >= 1-rounding
			wait, ok := l.Take(r, 7, time.Duration(now))
			if ok != want {
				t.Fatalf("every %v, burst %d, at %d with %v tokens: %v", r.Every, r.Burst, now, tokens, ok)
			}
			if ok {
				tokens--
			} else if missing := (1 - tokens) * float64(r.Every); float64(wait) < missing-1 || float64(wait) > missing+1 {
				t.Fatalf("with %v tokens and one every %v: wait %v", tokens, r.Every, wait)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	l := NewLimiter()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if same := l.Address(ip(c.a)) == l.Address(ip(c.b)); same != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, same)
		}
	}
	var v4 [9]byte
	copy(v4[:], []byte{4, 192, 0, 2, 1})
	if l.Text(v4[:]) == l.Address(ip("192.0.2.1")) {
		t.Error("a header spells the bucket of an address")
	}
	if l.Text([]byte("a")) == l.Text([]byte("b")) {
		t.Error("texts")
	}
	if NewLimiter().Address(ip("192.0.2.1")) == l.Address(ip("192.0.2.1")) {
		t.Error("the hash has no secret")
	}
}

// A million addresses take no memory, and a client that asked before and after
// them still has its limit as long as there is any place, or a new bucket.
func TestManyClients(t *testing.T) {
	l := NewLimiter()
	r := &Rate{Every: time.Hour, Burst: 1}
	n := testing.AllocsPerRun(1, func() {
		for i := range uint32(1_000_000) {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], i)
			l.Take(r, l.Address(netip.AddrFrom4(b)), time.Second+time.Duration(i))
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	// Some ten thousand are kept apart without an error.
	l = NewLimiter()
	const clients = 16_000
	for round := range 2 {
		for i := range uint32(clients) {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], i)
			if _, ok := l.Take(r, l.Address(netip.AddrFrom4(b)), time.Second); ok != (round == 0) {
				t.Fatalf("round %d, client %d: %v", round, i, ok)
			}
		}
	}
}

// A bucket that is full makes way before one that is not.
func TestFullBucketsMakeWay(t *testing.T) {
	l := NewLimiter()
	slow, fast := &Rate{Every: time.Hour, Burst: 1}, &Rate{Every: 1, Burst: 1}
	l.Take(slow, 5, time.Second)
	for i := range Key(100_000) {
		l.Take(fast, 5+(i+1)*sets, time.Second+10*time.Duration(i)) // all of one set
	}
	if _, ok := l.Take(slow, 5, 2*time.Second); ok {
		t.Error("the bucket was lost to full ones")
	}
}

func TestNewRateOfABucket(t *testing.T) {
	l := NewLimiter()
	r := &Rate{Every: time.Hour, Burst: 10}
	for range 10 {
		l.Take(r, 1, time.Second)
	}
	r = &Rate{Every: time.Second, Burst: 2}
	if wait, ok := l.Take(r, 1, time.Second); ok || wait != time.Second {
		t.Errorf("%v %v, want a second", wait, ok)
	}
}

func TestManyAtOnce(t *testing.T) {
	l := NewLimiter()
	r := &Rate{Every: time.Hour, Burst: 100}
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if _, ok := l.Take(r, 3, time.Second); ok {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d tokens of 100", taken.Load())
	}
}

func BenchmarkTake(b *testing.B) {
	l := NewLimiter()
	r := &Rate{Every: 1, Burst: 100}
	address := ip("192.0.2.1")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Take(r, l.Address(address), time.Duration(i))
	}
}
