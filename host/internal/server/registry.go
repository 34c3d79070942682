package server

import (
	"net"
	"net/netip"
	"sync"
)

// registry counts the open connections, in all and by client, and says which
// one is too many. It is the only place where a connection counts as open.
type registry struct {
	max      int    // 0: no limit
	maxPerIP int    // 0: no limit
	ebbed    func() // see Options.Ebbed; may be nil

	mu       sync.Mutex
	open     map[*Conn]struct{}
	flood    int            // the most that were open since ebbed was called
	byClient map[client]int // nil without a limit per client
	total    Stats          // without Open, and without the bytes of open connections
}

// manyConnections is how many must have been open for their end to be an ebb.
const manyConnections = 256

// client is who a connection counts for: an IPv4 address, in its IPv6-mapped
// form, or the /64 of an IPv6 address, which one machine gets whole.
type client [16]byte

// verdict says what to do with a new connection.
type verdict int

const (
	admitted verdict = iota
	overConnections
	overPerIP
)

func newRegistry(limit, perIP int, ebbed func()) *registry {
	r := &registry{max: limit, maxPerIP: perIP, ebbed: ebbed, open: make(map[*Conn]struct{})}
	if perIP > 0 {
		r.byClient = make(map[client]int)
	}
	return r
}

// addressOf returns the IP address of the peer of a connection.
func addressOf(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	return ip.Unmap().WithZone(tcp.Zone)
}

// clientOf returns who the peer of a connection is, by its address.
func clientOf(ip netip.Addr) client {
	if !ip.IsValid() {
		return client{}
	}
	if ip.Is6() {
		whole := ip.As16()
		var c client
		copy(c[:8], whole[:8])
		return c
	}
	return ip.As16()
}

// add counts c as open when no limit forbids it.
func (r *registry) add(c *Conn) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.max > 0 && len(r.open) >= r.max:
		r.total.RejectedMaxConnections++
		return overConnections
	case r.byClient != nil && r.byClient[c.client] >= r.maxPerIP:
		r.total.RejectedPerIP++
		return overPerIP
	}
	r.total.Accepted++
	r.open[c] = struct{}{}
	r.flood = max(r.flood, len(r.open))
	if r.byClient != nil {
		r.byClient[c.client]++
	}
	return admitted
}

// remove forgets c. It is called once for each connection that add admitted.
func (r *registry) remove(c *Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
	if r.flood >= manyConnections && len(r.open) <= r.flood/4 {
		r.flood = len(r.open)
		if r.ebbed != nil {
			r.ebbed()
		}
	}
	r.total.BytesRead += c.read.Load()
	r.total.BytesWritten += c.written.Load()
	if r.byClient == nil {
		return
	}
	// An entry of zero would stay for ever, one for each client that ever came.
	if r.byClient[c.client]--; r.byClient[c.client] == 0 {
		delete(r.byClient, c.client)
	}
}

func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

func (r *registry) stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.total
	now.Open = len(r.open)
	for c := range r.open {
		now.BytesRead += c.read.Load()
		now.BytesWritten += c.written.Load()
	}
	return now
}

// each calls f for every open connection. f must not close one: Close comes back
// here.
func (r *registry) each(f func(*Conn)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		f(c)
	}
}
