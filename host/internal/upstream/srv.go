package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxTargets bounds the targets that one name may lead to.
const maxTargets = 128

// errNone: the name servers agree that there are no such records, or those there
// are lead nowhere.
var errNone = errors.New("no SRV records")

// answer is what a lookup found.
type answer struct {
	records []record
	ttl     time.Duration // the least that was told; -1 for none
	ignored string        // what was left out, and why; "" for nothing
}

// tcpDial is how long a name server may take to accept a connection.
const tcpDial = time.Second

// lookup asks for the SRV records of a name. server is asked when it is not "". The
// standard library does all of it, resolv.conf included, but it does not tell how long
// an answer is good for; that is read on its way. It is told to use TCP where the
// server does: Consul leaves out most records over UDP, and does not say so.
func lookup(ctx context.Context, name, server string) (answer, error) {
	ttl := new(leastTTL)
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if server != "" {
			address = server
		}
		c, err := (&net.Dialer{Timeout: tcpDial}).DialContext(ctx, "tcp", address)
		if err == nil {
			return &stream{Conn: c, ttl: ttl}, nil
		}
		if network == "tcp" {
			return nil, err
		}
		if c, err = new(net.Dialer).DialContext(ctx, network, address); err != nil {
			return nil, err
		}
		return &packets{c.(*net.UDPConn), ttl}, nil
	}}
	_, found, err := resolver.LookupSRV(ctx, "", "", name)
	if err != nil && len(found) == 0 {
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			err = fmt.Errorf("%w: %w", errNone, err)
		}
		return answer{}, err
	}
	a := answer{ttl: ttl.least()}
	scheme := "http"
	if strings.HasPrefix(name, "_https.") {
		scheme = "https"
	}
	a.records, a.ignored = usable(found, scheme)
	if len(a.records) == 0 {
		return a, fmt.Errorf("%w of use: %s", errNone, a.ignored)
	}
	if err != nil && a.ignored == "" { // the library has left them out, addresses among them
		a.ignored = "records with invalid names"
	}
	return a, nil
}

// usable turns records into targets, and says what it left out. They are sorted, so
// that the same answer in another order is the same, and when there are too many the
// same ones are kept.
func usable(found []*net.SRV, scheme string) (records []record, ignored string) {
	leave := func(r *net.SRV, why string) {
		if ignored == "" {
			ignored = fmt.Sprintf("%s in a record for %.100q", why, r.Target)
		}
	}
	for _, r := range found {
		host := strings.ToLower(r.Target)
		switch {
		case host == ".":
			leave(r, `the name "." says that the service is not available,`) // RFC 2782
			continue
		case r.Port == 0:
			leave(r, "port 0")
			continue
		case !isName(host):
			leave(r, "no name of a host")
			continue
		}
		records = append(records, record{scheme + "://" + host + ":" + strconv.Itoa(int(r.Port)), r.Priority, r.Weight})
	}
	slices.SortFunc(records, compareRecords)
	seen := make(map[string]bool, len(records))
	records = slices.DeleteFunc(records, func(r record) bool {
		twice := seen[r.origin]
		seen[r.origin] = true
		return twice
	})
	if len(records) > maxTargets {
		ignored = fmt.Sprintf("%d of %d records; a service has at most %d targets", len(records)-maxTargets, len(records), maxTargets)
		records = records[:maxTargets]
	}
	return records, ignored
}

// isName reports whether a host holds only what the name of one may.
func isName(host string) bool {
	return len(host) <= 254 && strings.Trim(host, ".") != "" && !strings.Contains(host, "..") && host[0] != '.' &&
		strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// leastTTL collects the TTLs of the answers of one lookup, which asks one question
// after another.
type leastTTL struct {
	seconds uint32
	known   bool
}

func (l *leastTTL) see(message []byte) {
	if ttl, ok := parseTTL(message); ok && (!l.known || ttl < l.seconds) {
		l.seconds, l.known = ttl, true
	}
}

func (l *leastTTL) least() time.Duration {
	if !l.known {
		return -1
	}
	return time.Duration(l.seconds) * time.Second
}

// parseTTL returns the least TTL of the answers in a DNS message; false when it is no
// message that answers something. That a message belongs to the question is not looked
// at: one that does not can make for an earlier lookup only.
func parseTTL(message []byte) (seconds uint32, ok bool) {
	var p dnsmessage.Parser
	head, err := p.Start(message)
	if err != nil || !head.Response || head.Truncated || head.RCode != dnsmessage.RCodeSuccess || p.SkipAllQuestions() != nil {
		return 0, false
	}
	for {
		a, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return seconds, ok
		}
		if err != nil || p.SkipAnswer() != nil {
			return 0, false
		}
		ttl := a.TTL
		if ttl > 1<<31-1 { // RFC 2181 section 8
			ttl = 0
		}
		if !ok || ttl < seconds {
			seconds, ok = ttl, true
		}
	}
}

// packets is a connection to a name server over UDP: a read is a message.
type packets struct {
	*net.UDPConn
	ttl *leastTTL
}

func (c *packets) Read(p []byte) (int, error) {
	n, err := c.UDPConn.Read(p)
	c.ttl.see(p[:n])
	return n, err
}

// stream is one over TCP: each message comes after its length.
type stream struct {
	net.Conn
	ttl *leastTTL
	buf []byte // what has been read and is not a whole message yet
}

func (c *stream) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.buf = append(c.buf, p[:n]...)
	for len(c.buf) >= 2 {
		size := 2 + int(c.buf[0])<<8 + int(c.buf[1])
		if len(c.buf) < size {
			break
		}
		c.ttl.see(c.buf[2:size])
		c.buf = c.buf[size:]
	}
	return n, err
}
