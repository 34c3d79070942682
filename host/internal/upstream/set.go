package upstream

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// Client sends requests. *call.Client does.
type Client interface {
	Send(ctx context.Context, peer call.Peer, req *fasthttp.Request, resp *fasthttp.Response) error
	CloseIdle(peer call.Peer)
}

// Options is what the services of a host share.
type Options struct {
	Client Client
	Log    *slog.Logger
	// Counts returns the counters of a target, and what gives them back; nil counts
	// nowhere.
	Counts func(service, target string) (counts *Counts, leave func())
}

// Settings describes a service on other hosts.
type Settings struct {
	Name    string
	Targets []string // origins; or else
	SRV     string   // the name of SRV records
	DNS     string   // the server to ask for them, "host:port"; "" the system's

	Retries        int           // how often a call that was sent may be sent to another target
	MaxOutstanding int           // calls at one target at once
	TryTimeout     time.Duration // for one try of a call that may be tried again; 0: none
	Check          string        // the path of active checks; "" for none
	CheckInterval  time.Duration
}

func (s *Settings) key() string { return fmt.Sprintf("%#v", *s) }

// MaxOutstanding is the largest limit that Settings may have.
const MaxOutstanding = 10_000

// Set holds the services of a host. It is safe for concurrent use.
type Set struct {
	options Options
	limits  limits
	running sync.WaitGroup // lookups and checks

	mu        sync.Mutex
	services  map[string]*Service // by the key of their settings
	targets   map[targetKey]*Target
	resolvers map[string]*net.Resolver // by the server they ask
}

type targetKey struct{ service, origin, dns string }

// limits are the times and numbers that docs/services.md states.
type limits struct {
	failures               int           // in a row, that eject a target
	ejectFirst, ejectMost  time.Duration // for how long
	fair                   time.Duration // a deadline that gave a target less says nothing about it
	dial                   time.Duration // for a connection, when there are other targets
	least                  time.Duration // that must be left for another try
	ttlLeast, ttlMost      time.Duration
	ttlUnknown             time.Duration // where no answer told one
	retryFirst, retryMost  time.Duration // between lookups that fail
	lookup                 time.Duration // for one of them
	keepGone               time.Duration // how long the targets of records that are gone are served
	checkMost              time.Duration // for the answer to a check
	checkFailures          int           // in a row, that make a target unhealthy
	budgetShare, budgetCap int64         // thousandths of a retry: earned by a call, and kept
}

func defaultLimits() limits {
	return limits{
		failures: 3, ejectFirst: time.Second, ejectMost: 30 * time.Second,
		fair: 100 * time.Millisecond, dial: time.Second, least: 5 * time.Millisecond,
		ttlLeast: time.Second, ttlMost: 5 * time.Minute, ttlUnknown: 30 * time.Second,
		retryFirst: time.Second, retryMost: 30 * time.Second, lookup: 10 * time.Second,
		keepGone: time.Minute, checkMost: 2 * time.Second, checkFailures: 2,
		budgetShare: 200, budgetCap: 100_000,
	}
}

// NewSet returns a set without services.
func NewSet(o Options) *Set {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Counts == nil {
		o.Counts = func(string, string) (*Counts, func()) { return new(Counts), func() {} }
	}
	return &Set{
		options: o, limits: defaultLimits(),
		services: map[string]*Service{}, targets: map[targetKey]*Target{}, resolvers: map[string]*net.Resolver{},
	}
}

// Take returns the service of these settings. It does nothing by itself before it
// is started or called. Leave gives it back.
func (s *Set) Take(settings Settings) *Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := settings.key()
	if have := s.services[key]; have != nil {
		have.refs++
		return have
	}
	v := &Service{Settings: settings, set: s, refs: 1, first: make(chan struct{}), health: map[*Target]*health{}}
	v.budget.left.Store(s.limits.budgetCap)
	v.ctx, v.stop = context.WithCancel(context.Background())
	if settings.SRV == "" {
		records := make([]record, len(settings.Targets))
		for i, origin := range settings.Targets {
			records[i] = record{origin: origin, weight: 1}
		}
		v.setLocked(records, "")
	} else if like := s.like(v); like != nil {
		// Other settings of the same name: what it has found so far will do.
		old := like.list.Load()
		records := make([]record, len(old.entries))
		for i, e := range old.entries {
			records[i] = record{e.origin, e.priority, e.weight}
		}
		v.setLocked(records, old.why)
	}
	s.services[key] = v
	return v
}

// like returns a service that asks for the same records and has an answer.
func (s *Set) like(v *Service) *Service {
	for _, other := range s.services {
		if other.Name == v.Name && other.SRV == v.SRV && other.DNS == v.DNS && other.list.Load() != nil {
			return other
		}
	}
	return nil
}

// Leave gives back what Take returned.
func (v *Service) Leave() {
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	if v.refs--; v.refs > 0 {
		return
	}
	v.stop()
	delete(v.set.services, v.key())
	if l := v.list.Load(); l != nil {
		for _, e := range l.entries {
			v.set.release(e.Target)
		}
	}
}

// Close waits for the end of what runs for the services, which all must have been
// given back.
func (s *Set) Close() { s.running.Wait() }

// setLocked makes records the targets of the service. why says why there are none.
// The set's mu must be held.
func (v *Service) setLocked(records []record, why string) {
	next := &list{service: v.Name, why: why, entries: make([]entry, 0, len(records))}
	kept := make(map[*Target]*health, len(records))
	for _, r := range records {
		t := v.set.target(v, r.origin)
		h := v.health[t]
		if h == nil {
			h = new(health)
		}
		kept[t] = h
		next.entries = append(next.entries, entry{Target: t, health: h, priority: r.priority, weight: r.weight})
	}
	next.sort()
	v.health = kept
	old := v.list.Swap(next)
	if old == nil {
		close(v.first)
		return
	}
	for _, e := range old.entries {
		v.set.release(e.Target) // after the new ones were taken: what stays lives on
	}
}

// target takes a target of a service. mu must be held.
func (s *Set) target(v *Service, origin string) *Target {
	key := targetKey{v.Name, origin, ""}
	if v.SRV != "" {
		key.dns = v.DNS
	}
	t := s.targets[key]
	if t == nil {
		t = &Target{key: key, set: s, origin: origin, name: withoutDot(origin)}
		t.peer = call.Peer{Origin: origin, Private: true, Resolver: s.resolver(key.dns), MaxConns: MaxOutstanding + 64}
		t.counts, t.leave = s.options.Counts(v.Name, t.name)
		s.targets[key] = t
	}
	t.refs++
	return t
}

// release gives a target back. mu must be held.
func (s *Set) release(t *Target) {
	if t.refs--; t.refs > 0 {
		return
	}
	delete(s.targets, t.key)
	s.options.Client.CloseIdle(t.peer) // calls that are out end by themselves
	t.leave()
}

// resolver returns what asks a server; nil for the system's. mu must be held.
func (s *Set) resolver(dns string) *net.Resolver {
	if dns == "" {
		return nil
	}
	r := s.resolvers[dns]
	if r == nil {
		r = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, dns)
		}}
		s.resolvers[dns] = r
	}
	return r
}

// A record is a target as it was found.
type record struct {
	origin           string
	priority, weight uint16
}

func compareRecords(a, b record) int {
	return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.origin, b.origin))
}
