package config

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Redis is what a store.url says.
type Redis struct {
	Addresses      []string // host:port; of Sentinels, of nodes of a Cluster, or the one server
	Cluster        bool
	Master         string // the name by which Sentinels know it; "": there are none
	TLS            bool
	CA             string // file with the certificates to trust; "": those of the system
	User, Password string
	Database       int
}

// redisParts are the pieces of a URL of Redis, as they stand there. net/url takes no
// more than one host.
type redisParts struct {
	scheme, user, hosts, path, query string
	hasUser                          bool
}

func splitRedis(s string) (p redisParts, ok bool) {
	p.scheme, s, ok = strings.Cut(s, "://")
	s, p.query, _ = strings.Cut(s, "?")
	s, p.path, _ = strings.Cut(s, "/")
	p.hosts = s
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		p.user, p.hosts, p.hasUser = s[:i], s[i+1:], true
	}
	return p, ok
}

// ParseRedis parses a store.url:
//
//	redis://[[user]:password@]host[:port][/database]
//	redis+cluster://[[user]:password@]host[:port],…
//	redis+sentinel://[[user]:password@]host[:port],…/master[/database]
//
// rediss instead of redis is for TLS, and may have ?ca=FILE. The error shows nothing
// of the URL, since it may hold a password.
func ParseRedis(s string) (r Redis, err error) {
	const advice = `write "redis://host:6379/0", or "rediss://host:6379/0" for TLS`
	p, ok := splitRedis(s)
	kind, many := strings.CutPrefix(strings.TrimPrefix(p.scheme, "rediss"), "+")
	if !strings.HasPrefix(p.scheme, "rediss") {
		kind, many = strings.CutPrefix(strings.TrimPrefix(p.scheme, "redis"), "+")
	}
	r.TLS = strings.HasPrefix(p.scheme, "rediss")
	switch {
	case strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return r, errors.New("is no URL; " + advice + "; percent-encode a password's special characters")
	case !ok || !strings.HasPrefix(p.scheme, "redis") || kind != "" && !many || many && kind != "cluster" && kind != "sentinel":
		return r, errors.New("is no URL of Redis; " + advice)
	case strings.Contains(s, "#"):
		return r, errors.New(`has a "#"; percent-encode it as %23`)
	case !p.hasUser && (strings.Contains(p.path, "@") || strings.Contains(p.query, "@") && !strings.HasPrefix(p.query, "ca=")):
		return r, errors.New(`has a "/" or "?" before the "@"; percent-encode a password's special characters: "/" as %2F, "?" as %3F`)
	}
	user, password, _ := strings.Cut(p.user, ":")
	r.User, err = url.PathUnescape(user)
	if err == nil {
		r.Password, err = url.PathUnescape(password)
	}
	switch {
	case err != nil:
		return r, errors.New("is no URL; " + advice + "; percent-encode a password's special characters")
	case p.hasUser && r.Password == "":
		return r, errors.New(`has a user and no password; write "redis://user:password@host:6379/0", or only ":password@" for the default user`)
	}
	r.Cluster = kind == "cluster"
	port := "6379"
	if kind == "sentinel" {
		port = "26379"
	}
	if r.Addresses, err = redisAddresses(p.hosts, port); err != nil {
		return r, errors.New(err.Error() + "; " + advice)
	}
	if !many && len(r.Addresses) > 1 {
		return r, errors.New(`has several hosts; write "redis+cluster://" for a Cluster, or "redis+sentinel://" for Sentinels`)
	}
	database := p.path
	if kind == "sentinel" {
		r.Master, database, _ = strings.Cut(p.path, "/")
		if r.Master, err = url.PathUnescape(r.Master); err != nil || r.Master == "" {
			return r, errors.New(`does not name the master; write "redis+sentinel://host:26379,host:26379/mymaster"`)
		}
	}
	if database = strings.TrimSuffix(database, "/"); database != "" {
		r.Database, err = strconv.Atoi(database)
		if err != nil || !isDigits(database) {
			return r, errors.New("names no database by its number; " + advice)
		}
	}
	if r.Cluster && r.Database != 0 {
		return r, errors.New("names a database, and a Cluster has only one; leave it out")
	}
	return r, r.parameters(p.query)
}

func redisAddresses(hosts, port string) (addresses []string, err error) {
	for _, address := range strings.Split(hosts, ",") {
		host, p := address, port
		if inner, ok := strings.CutPrefix(address, "["); ok && strings.HasSuffix(inner, "]") {
			host = strings.TrimSuffix(inner, "]")
		} else if strings.Contains(address, ":") {
			if host, p, err = net.SplitHostPort(address); err != nil {
				return nil, errors.New("has no valid port")
			}
		}
		switch {
		case host == "":
			return nil, errors.New("has no host")
		case !isPort(p, 1):
			return nil, errors.New("has no valid port")
		case checkHost(host) != nil:
			return nil, errors.New("has no valid host")
		}
		addresses = append(addresses, net.JoinHostPort(host, p))
	}
	return addresses, nil
}

// parameters takes what stands after the question mark.
func (r *Redis) parameters(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("has malformed parameters; the only one is ?ca=FILE")
	}
	for name, list := range values {
		if name != "ca" || len(list) != 1 || list[0] == "" {
			return errors.New("has an unknown parameter; the only one is ?ca=FILE")
		}
		r.CA = list[0]
	}
	if r.CA != "" && !r.TLS {
		return errors.New(`has ?ca and no TLS; write "rediss" instead of "redis"`)
	}
	return nil
}

// redisURL checks a store.url.
func redisURL(s string) (string, error) {
	_, err := ParseRedis(s)
	return s, err
}

// hidePassword returns a URL of Redis without what may be secret in it.
func hidePassword(s string) string {
	p, ok := splitRedis(s)
	switch {
	case s == "":
		return ""
	case !ok || strings.Contains(p.path, "@"): // a password with a slash ends up there
		return Hidden
	}
	if _, err := redisAddresses(p.hosts, "1"); err != nil {
		return Hidden
	}
	shown := p.scheme + "://"
	if p.hasUser {
		if user, _, named := strings.Cut(p.user, ":"); named && user != "" {
			shown += user + ":"
		}
		shown += Hidden + "@"
	}
	shown += p.hosts
	if p.path != "" {
		shown += "/" + p.path
	}
	return shown
}
