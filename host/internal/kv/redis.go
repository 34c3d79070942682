package kv

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// RedisOptions say where a Redis is and how to get in.
type RedisOptions struct {
	// Addresses are host:port: of the server, of some nodes of a Cluster, or of
	// Sentinels. There is at least one.
	Addresses []string
	// Cluster says that the addresses are nodes of a Redis Cluster.
	Cluster bool
	// Master, when not empty, says that the addresses are Sentinels, and which
	// of the masters that they watch holds the data.
	Master string

	User, Password string // sent to Sentinels, too
	Database       int    // by its number
	// TLS, when not nil, is how to connect; a copy gets the name of each server.
	TLS *tls.Config

	// Changed, when not nil, is called with the reason when the store goes down,
	// again when the server gives another one, and with nil when it is back. It
	// must not block.
	Changed func(error)
	// Risk, when not nil, is called once when a server is set up so that it may lose
	// what it has acknowledged.
	Risk func(why string)
}

// The timing of a connection. Whatever the server does, an operation ends within
// about probeEvery + probeTimeout of its last sign of life.
const (
	dialTimeout  = 2 * time.Second // to connect, and again for the handshake
	probeEvery   = time.Second
	probeTimeout = 2 * time.Second
	writeTimeout = 2 * time.Second // for the library to give a silent connection up
	retryFirst   = 100 * time.Millisecond
	retryMost    = time.Second
)

// The size of a connection. There is one to each server, and commands share it.
const (
	ringScale   = 8   // room for 2^8 commands under way
	maxInFlight = 250 // operations of a link: less than that
	bufferSize  = 16 << 10
)

// redis is the store on a Redis, the layout of which is in layout.go. It opens
// nothing by itself: links do, and keep at it for as long as the store lives.
type redis struct {
	name   string // for errors
	dialer *dialer
	option rueidis.ClientOption
	probes string // what a link asks of a store that is no Cluster
	tell   func(error)
	risk   func(string) // nil: nobody wants to know
	look   sync.Once

	connect sync.Mutex // held while client is made
	client  atomic.Pointer[rueidis.Client]

	mu    sync.Mutex
	links map[string]*link // of a Cluster by keyspace; otherwise there is one, ""

	gate     sync.RWMutex // guards closed; held to add to inFlight
	closed   bool
	inFlight sync.WaitGroup
	done     chan struct{} // closed when nothing is under way any more
	stopped  sync.WaitGroup
	close    func() error // once
}

// NewRedis returns the store on a Redis. It does not wait for the server: it
// connects by itself, now and whenever the connection is lost, and operations
// answer ErrUnavailable at once while there is none. Operations that come before
// the first attempt has ended wait for it.
func NewRedis(o RedisOptions) Store {
	s := &redis{
		name:   "Redis at " + strings.Join(o.Addresses, ", "),
		dialer: newDialer(o),
		probes: "wasmlane:probe",
		tell:   o.Changed,
		risk:   o.Risk,
		links:  make(map[string]*link),
		done:   make(chan struct{}),
	}
	if s.tell == nil {
		s.tell = func(error) {}
	}
	s.option = s.dialer.option(o)
	s.option.InitAddress = o.Addresses
	switch {
	case o.Cluster:
		s.name = "Redis Cluster at " + strings.Join(o.Addresses, ", ")
		s.probes = ""
	case o.Master != "":
		s.name = fmt.Sprintf("Redis %q of the Sentinels at %s", o.Master, strings.Join(o.Addresses, ", "))
		fallthrough
	default:
		s.option.ForceSingleClient = true
		s.option.InitAddress = o.Addresses[:1] // the dialer asks all Sentinels
	}
	if s.probes != "" {
		s.linkOf("", s.probes)
	}
	s.close = sync.OnceValue(s.shut)
	return s
}

func (s *redis) Keyspace(name string) Keyspace {
	k := &redisSpace{err: checkKeyspace(name)}
	k.values, k.keys = redisKeys(name)
	if k.err == nil {
		k.link = s.linkOf(name, k.values)
	}
	k.edits = edits{k.edit}
	return k
}

// linkOf returns the link of a keyspace. All of one lives on one node of a Cluster.
func (s *redis) linkOf(name, probe string) *link {
	if s.probes != "" {
		name = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[name]
	if l == nil {
		l = s.newLink(probe)
		s.links[name] = l
		select {
		case <-s.done:
		default:
			s.stopped.Go(l.watch)
		}
	}
	return l
}

func (s *redis) Health() error {
	if s.shutting() {
		return ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if o := l.outage.Load(); o != nil {
			return o.err
		}
	}
	return nil
}

func (s *redis) shutting() bool {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.closed
}

// enter counts an operation in, unless the store is closed.
func (s *redis) enter() bool {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return false
	}
	s.inFlight.Add(1)
	return true
}

func (s *redis) Close() error { return s.close() }

// shut waits for what is under way. Links look after it until then, so that even
// a server which answers nothing does not hold it up for long.
func (s *redis) shut() error {
	s.gate.Lock()
	s.closed = true
	s.gate.Unlock()
	s.inFlight.Wait()
	s.mu.Lock()
	close(s.done) // no link starts later
	s.mu.Unlock()
	s.stopped.Wait()
	s.connect.Lock()
	defer s.connect.Unlock()
	if c := s.client.Load(); c != nil {
		(*c).Close()
	}
	s.dialer.drop()
	return nil
}

// connected returns the client, and makes it first if there is none. The client
// of a single server connects anew by itself, that of a Cluster learns of nodes
// that come and go.
func (s *redis) connected() (rueidis.Client, error) {
	if c := s.client.Load(); c != nil {
		return *c, nil
	}
	s.connect.Lock()
	defer s.connect.Unlock()
	if c := s.client.Load(); c != nil {
		return *c, nil
	}
	select {
	case <-s.done:
		return nil, ErrClosed
	default:
	}
	c, err := rueidis.NewClient(s.option)
	if err != nil {
		if c != nil {
			c.Close()
		}
		return nil, err
	}
	s.client.Store(&c)
	return c, nil
}

// reconnect makes a second client, and lets it take over if what it reaches answers
// the probe: the server behind a name, or the master of the Sentinels, may be
// another by now. Operations under way end where they began.
func (s *redis) reconnect(probe command) error {
	s.connect.Lock()
	defer s.connect.Unlock()
	c, err := rueidis.NewClient(s.option)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		err = probe(ctx, c).Error()
	}
	if err != nil {
		if c != nil {
			c.Close()
		}
		return err
	}
	if old := s.client.Swap(&c); old != nil {
		go (*old).Close()
	}
	return nil
}

// inspect tells how the server may lose data, as far as its user may know.
func (s *redis) inspect() {
	if s.risk == nil {
		return
	}
	m, err := s.ask(func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Info().Build())
	})
	if err != nil {
		return
	}
	text, err := m.ToString()
	if err != nil {
		return
	}
	var risks []string
	for line := range strings.Lines(text) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); {
		case name == "maxmemory_policy" && strings.HasPrefix(value, "allkeys"):
			risks = append(risks, fmt.Sprintf("with maxmemory-policy %.30q a whole keyspace may go when memory is short; set noeviction", value))
		case name == "aof_enabled" && value == "0":
			risks = append(risks, "with appendonly no, what was written last goes when it crashes; set appendonly yes")
		}
	}
	if len(risks) > 0 && !s.shutting() {
		s.risk(strings.Join(risks, "; "))
	}
}

// A command is something to ask of the server.
type command func(context.Context, rueidis.Client) rueidis.RedisResult

// ask runs a command to its end. What the server says must not end the process.
func (s *redis) ask(do command) (m rueidis.RedisMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errProtocol, p)
		}
	}()
	c, err := s.connected()
	if err != nil {
		return m, err
	}
	return do(context.Background(), c).ToMessage()
}
