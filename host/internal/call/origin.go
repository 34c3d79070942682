package call

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// origin is where a request goes, taken apart.
type origin struct {
	text   string // as given
	secure bool   // https
	host   string // a name or an address, without brackets
	dial   string // host:port
	header string // the Host header: without the scheme's own port
}

// parseOrigin takes apart "http://host[:port]" or "https://host[:port]".
func parseOrigin(text string) (origin, error) {
	fail := func(what string) (origin, error) {
		return origin{}, fmt.Errorf("%w: origin %q: %s; write http://host:port or https://host", ErrRequest, text, what)
	}
	o := origin{text: text}
	scheme, rest, ok := strings.Cut(text, "://")
	own := "80"
	switch {
	case !ok:
		return fail("no scheme")
	case scheme == "https":
		o.secure, own = true, "443"
	case scheme != "http":
		return fail("unknown scheme")
	}
	host, port := rest, own
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		host, port = rest[:i], rest[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fail("no such port")
		}
	}
	// The dot that ends a name keeps it from being looked up with the system's search
	// list. It is no part of what the other side or its certificate calls itself.
	dial := host
	host = strings.TrimSuffix(host, ".")
	o.host, o.header = host, host
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if ip, err := netip.ParseAddr(inner); !ok || err != nil || !ip.Is6() || ip.Zone() != "" {
			return fail("no IPv6 address in brackets")
		}
		o.host, dial = inner, inner
	} else if host == "" || !isHost(host) {
		return fail("no host name")
	}
	if port != own {
		o.header += ":" + port
	}
	o.dial = net.JoinHostPort(dial, port)
	return o, nil
}

// isHost reports whether a host holds only what a name or an IPv4 address may.
func isHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
