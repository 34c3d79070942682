package traffic

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Limiter holds the token buckets of all routes in a table whose size is fixed:
// about a megabyte, however many clients there are. A bucket is one number, the
// time at which it will be full again, so one that is full needs no place.
//
// A bucket may lie in one of the 16 places of its set. When all are taken by
// buckets that are not full, the fullest makes way, and its client begins anew.
// That takes some ten thousand clients at a time; who commands so many addresses
// is not stopped by a limit on each. Keys are hashed with a secret, so nobody can
// aim at the set of another client.
//
// It is safe for concurrent use.
type Limiter struct {
	Began time.Time // what the times of Take count from

	seed maphash.Seed
	sets [sets]set
}

const (
	sets = 4096
	ways = 16
)

type set struct {
	mu     sync.Mutex
	keys   [ways]uint64
	fullAt [ways]int64 // nanoseconds of the caller's clock; 0: the place is free
}

// NewLimiter returns a limiter whose buckets are all full.
func NewLimiter() *Limiter { return &Limiter{Began: time.Now(), seed: maphash.MakeSeed()} }

// Rate is how fast a bucket fills, and how much it holds.
type Rate struct {
	Every time.Duration // between two tokens
	Burst int           // tokens in a full bucket
	Salt  uint64        // of the route, see Limiter.Salt
}

// Key names a bucket of a route.
type Key uint64

// Salt returns what sets the buckets of one route apart from those of others. The
// same name gives the same buckets, after a reload as well.
func (l *Limiter) Salt(name string) uint64 { return maphash.String(l.seed, name) }

// Address returns the key of a client by its address. A client with IPv6 commands
// a whole /64, so that is what counts.
func (l *Limiter) Address(ip netip.Addr) Key {
	ip = ip.Unmap()
	var b [9]byte
	if ip.Is4() {
		b4 := ip.As4()
		b[0] = 4
		copy(b[1:], b4[:])
	} else {
		b16 := ip.As16()
		b[0] = 6
		copy(b[1:], b16[:8])
	}
	return Key(maphash.Bytes(l.seed, b[:]))
}

// Text returns the key of a header's value, which is never that of an address.
func (l *Limiter) Text(value []byte) Key {
	return Key(maphash.Bytes(l.seed, value) ^ textSalt)
}

// textSalt keeps a header that spells the bytes of an address from its bucket.
const textSalt = 0x9e3779b97f4a7c15

// Take takes a token for key, at the time now since Began. Without one it says how long the client has to wait.
func (l *Limiter) Take(r *Rate, key Key, now time.Duration) (wait time.Duration, ok bool) {
	hash := uint64(key) ^ r.Salt
	if hash == 0 {
		hash = 1
	}
	s := &l.sets[hash%sets]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(hash, int64(now))
	every := int64(r.Every)
	most := int64(r.Burst-1) * every
	fullAt := max(s.fullAt[at], int64(now))
	if s.keys[at] != hash {
		fullAt = int64(now)
	}
	// After a reload the bucket may be emptier than the new one can be.
	fullAt = min(fullAt, int64(now)+most+every)
	if over := fullAt - int64(now) - most; over > 0 {
		return time.Duration(over), false
	}
	s.keys[at], s.fullAt[at] = hash, fullAt+every
	return 0, true
}

// find returns the place of a bucket: its own, or the one that is full or will be
// first.
func (s *set) find(hash uint64, now int64) int {
	best := 0
	for i := range s.keys {
		if s.keys[i] == hash {
			return i
		}
		if s.fullAt[i] < s.fullAt[best] {
			best = i
		}
	}
	return best
}
