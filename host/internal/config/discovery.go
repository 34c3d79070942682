package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// maxWord is the longest id or tag of a registration, in bytes.
const maxWord = 128

// advertised parses the address that others reach this host at.
func advertised(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), ""
	}
	switch {
	case strings.Contains(s, "/"):
		return "", fmt.Errorf(`%s is no address; write "host" or "host:port", such as "10.0.0.5"`, show(s))
	case port != "" && !isPort(port, 1):
		return "", fmt.Errorf("%s has no valid port; write a number from 1 to 65535, or leave it out", show(s))
	case err == nil && port == "":
		return "", fmt.Errorf("%s has no port after the colon; leave the colon out", show(s))
	case everyAddress(host):
		return "", fmt.Errorf("%s is no address that others can connect to; write one of this machine's", show(s))
	}
	if err := checkHost(host); err != nil {
		return "", fmt.Errorf("%s: %w", show(s), err)
	}
	return s, nil
}

// everyAddress reports whether a host stands for all addresses of the machine.
func everyAddress(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

func registrationID(s string) (string, error) {
	if len(s) > maxWord || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
		return "", fmt.Errorf(`%s is no id; write letters, digits and "._-", at most %d`, show(s), maxWord)
	}
	return s, nil
}

func tag(s string) (string, error) {
	if len(s) > maxWord {
		return "", fmt.Errorf("%s is longer than %d bytes; shorten it", show(s), maxWord)
	}
	return s, nil
}

// Near reports whether the agent runs on this machine, as Consul's agents should.
func (d *Discovery) Near() bool {
	_, authority, _ := strings.Cut(d.Consul, "://")
	if _, _, err := net.SplitHostPort(authority); err != nil {
		authority = net.JoinHostPort(strings.Trim(authority, "[]"), "80")
	}
	return loopback(authority)
}

// ReadyPath returns the path of a route of this configuration that tells whether
// the host is ready, "" when there is none that a plain GET reaches.
func (c *Config) ReadyPath() string {
	for _, r := range c.Routes {
		if r.Builtin == "ready" && !strings.Contains(r.Path, "{") && (len(r.Methods) == 0 || slices.Contains(r.Methods, "GET")) {
			return r.Path
		}
	}
	return ""
}

// LocalServices returns the names of the services that this host serves itself,
// sorted.
func (c *Config) LocalServices() []string {
	var names []string
	for name, s := range c.Services {
		if s.Local() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *Config) checkDiscovery(root place) {
	d, at := &c.Discovery, root.in("discovery")
	consul := at.in("consul")
	if d.Consul == "" || consul.broken() {
		return
	}
	if len(c.LocalServices()) == 0 && !root.in("service").broken() {
		consul.fail(`there is nothing to register, for no [service.NAME] has targets = ["local"]; add one, or remove consul`)
	}
	if address := at.in("address"); !d.Near() && d.Address == "" && !address.broken() && loopback(c.Server.Listen) {
		consul.fail("%q is of another machine, which does not reach server.listen %q; listen on another address, or write address", d.Consul, c.Server.Listen)
	}
	admin := c.Admin.Listen != "" && (d.Near() || !loopback(c.Admin.Listen))
	if c.ReadyPath() == "" && !admin {
		consul.fail(`Consul has nothing to check the health by, for it does not reach admin.listen; add a [[route]] with method = "GET", path = "/ready" and handler = "@ready"`)
	}
}

var errNumericName = errors.New("a name does not end in a number; write an IP address as four numbers from 0 to 255")

// numeric reports whether resolvers may take a name for an IPv4 address in one of
// its old notations: hexadecimal, octal, or fewer than four numbers.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(strings.ToLower(last), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return isDigits(last)
}
