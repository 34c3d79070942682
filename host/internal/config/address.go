package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// listen parses "host:port". The host may be empty, for all addresses, and the
// port 0, for any that is free.
func listen(s string) (string, error) {
	if strings.Contains(s, "://") {
		return "", fmt.Errorf(`%s is a URL; write only "host:port", such as "0.0.0.0:8001"`, show(s))
	}
	if strings.Contains(s, "/") {
		return "", fmt.Errorf(`%s is no address; write "host:port", such as "0.0.0.0:8001"`, show(s))
	}
	if isDigits(s) {
		return "", fmt.Errorf("%s has no host; write %q, or %q for this machine only", show(s), "0.0.0.0:"+s, "127.0.0.1:"+s)
	}
	host, port, err := net.SplitHostPort(s)
	switch {
	case err != nil && strings.Count(s, ":") > 1:
		return "", fmt.Errorf(`%s is no address with a port; write an IPv6 address in brackets, as in "[::1]:8001"`, show(s))
	case err != nil || port == "":
		return "", fmt.Errorf("%s has no port; write %q", show(s), strings.TrimSuffix(s, ":")+":8001")
	case !isPort(port, 0):
		return "", fmt.Errorf("%s has no valid port; write a number from 0 to 65535", show(s))
	case host == "*":
		return "", fmt.Errorf("%s is no address; write %q for all addresses", show(s), "0.0.0.0:"+port)
	}
	if err := checkHost(host); host != "" && err != nil {
		return "", fmt.Errorf("%s: %w", show(s), err)
	}
	return s, nil
}

// loopback reports whether only this machine reaches the address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// sameAddress reports whether two listeners cannot have both.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || strings.Trim(portA, "0") == "" {
		return false
	}
	return strings.TrimLeft(portA, "0") == strings.TrimLeft(portB, "0") &&
		(strings.EqualFold(hostA, hostB) || everyAddress(hostA) || everyAddress(hostB))
}

func outbound(s string) (string, error) {
	if s == "local" || !strings.ContainsAny(s, ":./*") {
		return "", fmt.Errorf("%s is no origin; a service goes into calls, an origin is written \"https://host\"", show(s))
	}
	return parseOrigin(s)
}

func target(s string) (string, error) {
	if s == "local" {
		return s, nil
	}
	if isWord(strings.ToLower(s), "-") && Nearest(s, []string{"local"}) != "" {
		return "", fmt.Errorf(`%s is no origin; did you mean "local"?`, show(s))
	}
	return parseOrigin(s)
}

// parseOrigin returns "https://host" or "http://host:port" in the one form that
// compares equal: lower case, without the scheme's own port.
func parseOrigin(s string) (string, error) {
	if strings.Contains(s, "@") { // may be a password: do not show it
		return "", errors.New(`holds an origin with a user name or password; write only "https://host" or "https://host:port"`)
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		if err := checkHost(strings.SplitN(s, ":", 2)[0]); err == nil && !strings.Contains(s, "/") {
			return "", fmt.Errorf("%s has no scheme; write %q or %q", show(s), "https://"+s, "http://"+s)
		}
		return "", fmt.Errorf(`%s is no origin; write "https://host" or "https://host:port"`, show(s))
	}
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return "", fmt.Errorf(`%s is no scheme that can be called; write "https://host" or "http://host"`, show(scheme))
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 { // a query may be a secret
		return "", fmt.Errorf("an origin ends before the path; write %s", show(scheme+"://"+rest[:i]))
	}
	host, port := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		host, port = rest[:i], rest[i+1:]
		if !isPort(port, 1) {
			return "", fmt.Errorf("%s has no valid port; write a number from 1 to 65535, or leave it out", show(s))
		}
		n, _ := strconv.Atoi(port)
		port = strconv.Itoa(n)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !ip.Is6() || ip.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return "", fmt.Errorf(`%s holds no IPv6 address; write "http://[2001:db8::1]:8080"`, show(s))
		}
		host = "[" + ip.String() + "]"
	} else if strings.Contains(host, ":") {
		return "", fmt.Errorf(`%s: write an IPv6 address in brackets, such as "http://[2001:db8::1]:8080"`, show(s))
	} else if err := checkHost(host); err != nil {
		return "", fmt.Errorf("%s: %w", show(s), err)
	}
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		port = ""
	}
	if port != "" {
		port = ":" + port
	}
	return scheme + "://" + strings.ToLower(host) + port, nil
}

// collector parses the origin of a collector of traces. The path is given.
func collector(s string) (string, error) {
	if origin, ok := strings.CutSuffix(strings.TrimSuffix(s, "/"), "/v1/traces"); ok {
		return "", fmt.Errorf("%s holds the path, which is always /v1/traces; write %s", show(s), show(origin))
	}
	if strings.HasSuffix(s, ":4317") {
		return "", fmt.Errorf(`%s is the port for gRPC; write that for HTTP, which is mostly 4318`, show(s))
	}
	return parseOrigin(s)
}

// srv parses the name of an SRV record, "_service._tcp.name".
func srv(s string) (string, error) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) == 3 && len(parts[0]) > 1 && parts[0][0] == '_' && parts[1] == "_tcp" && checkHost(parts[2]) == nil {
		return strings.ToLower(s), nil
	}
	if checkHost(s) == nil && !strings.HasPrefix(s, "_") {
		return "", fmt.Errorf("%s is no SRV record; write %q", show(s), "_http._tcp."+s)
	}
	return "", fmt.Errorf(`%s is no SRV record; write "_http._tcp.user.internal"`, show(s))
}

// nameServer parses the address of a DNS server, and adds the port when it has none.
func nameServer(s string) (string, error) {
	const advice = `write "127.0.0.1:8600", or an address alone for port 53`
	if strings.Contains(s, "/") {
		return "", fmt.Errorf("%s is no address of a DNS server; %s", show(s), advice)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), "53"
	}
	if !isPort(port, 1) {
		return "", fmt.Errorf("%s has no valid port; write a number from 1 to 65535", show(s))
	}
	// A name would have to be looked up somewhere else first.
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", fmt.Errorf("%s is no IP address; %s", show(s), advice)
	}
	return net.JoinHostPort(ip.String(), port), nil
}

// checkPath parses the path of active checks.
func checkPath(s string) (string, error) {
	switch {
	case strings.Contains(s, "://"):
		return "", fmt.Errorf(`%s is a URL; write only the path, such as "/ready"`, show(s))
	case s[0] != '/':
		return "", fmt.Errorf("%s does not begin with a slash; write %q", show(s), "/"+s)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '#' {
			return "", fmt.Errorf(`%s holds what a path cannot; percent-encode it`, show(s))
		}
	}
	return s, nil
}

// token checks a bearer token and shows none of it.
func token(s string) (string, error) {
	switch {
	case strings.HasPrefix(s, "$") || strings.Contains(s, "${"):
		return "", errors.New(`looks like a variable; write { env = "NAME" } for the value of one, or the token itself`)
	case strings.HasPrefix(strings.ToLower(s), "bearer "):
		return "", errors.New(`begins with "Bearer"; write only the token`)
	case strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=") != "":
		return "", errors.New(`holds a character that a bearer token cannot; write letters, digits and "-._~+/=", as openssl rand -hex 32 prints`)
	}
	return s, nil
}

// path parses the name of a file or directory. What a shell would replace is
// refused rather than created under that name.
func path(s string) (string, error) {
	if strings.HasPrefix(s, "~") || strings.HasPrefix(s, "$") || strings.Contains(s, "${") {
		return "", fmt.Errorf(`%s: host.toml replaces neither "~" nor variables; write the whole path, or one relative to this file`, show(s))
	}
	return s, nil
}

// checkHost checks an IPv4 address or a DNS name.
func checkHost(host string) error {
	if host == "" {
		return errors.New("the host is missing")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if strings.Trim(host, "0123456789.") == "" {
		return errors.New("the host is no IP address; write four numbers from 0 to 255")
	}
	if strings.Contains(host, "*") {
		return errors.New("there are no wildcards; list each host")
	}
	if numeric(host) {
		return errNumericName
	}
	for label := range strings.SplitSeq(strings.ToLower(host), ".") {
		if label == "" || len(label) > 63 || len(host) > 253 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return errors.New("the host is no name; write letters, digits and hyphens, in parts with a dot between")
		}
	}
	return nil
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return isDigits(s) && err == nil && n >= least && n <= 65535
}
