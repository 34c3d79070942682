package config

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestParseRedis(t *testing.T) {
	for text, want := range map[string]Redis{
		"redis://host":                                 {Addresses: []string{"host:6379"}},
		"redis://host:1/":                              {Addresses: []string{"host:1"}},
		"redis://host:6380/2":                          {Addresses: []string{"host:6380"}, Database: 2},
		"redis://:p%40ss@[::1]/15":                     {Addresses: []string{"[::1]:6379"}, Password: "p@ss", Database: 15},
		"redis://me:a:b@[::1]:7":                       {Addresses: []string{"[::1]:7"}, User: "me", Password: "a:b"},
		"redis://me:a@b@10.0.0.1":                      {Addresses: []string{"10.0.0.1:6379"}, User: "me", Password: "a@b"},
		"rediss://host":                                {Addresses: []string{"host:6379"}, TLS: true},
		"rediss://host/1?ca=ca%2Fredis.pem":            {Addresses: []string{"host:6379"}, TLS: true, CA: "ca/redis.pem", Database: 1},
		"redis+cluster://a:1,b,[::1]:3":                {Addresses: []string{"a:1", "b:6379", "[::1]:3"}, Cluster: true},
		"rediss+cluster://:x@a/0":                      {Addresses: []string{"a:6379"}, Cluster: true, TLS: true, Password: "x"},
		"redis+sentinel://a,b:1/my%20master":           {Addresses: []string{"a:26379", "b:1"}, Master: "my master"},
		"rediss+sentinel://u:p@a/mymaster/3?ca=/x.pem": {Addresses: []string{"a:26379"}, Master: "mymaster", Database: 3, User: "u", Password: "p", TLS: true, CA: "/x.pem"},
	} {
		if got, err := ParseRedis(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                               "is no URL of Redis",
		"host:6379":                      "is no URL of Redis",
		"http://hunter2@host":            "is no URL of Redis",
		"redis+tcp://host":               "is no URL of Redis",
		"rediscluster://host":            "is no URL of Redis",
		"redis+://host":                  "is no URL of Redis",
		"redis://":                       "has no host",
		"redis://:hunter2@":              "has no host",
		"redis://hunter2@host":           "has a user and no password",
		"redis://:hunter2@host:0":        "has no valid port",
		"redis://:hunter2/x@host":        `before the "@"`,
		"redis://:hunter2@host:port":     "has no valid port",
		"redis://:hunter2@::1":           "has no valid port",
		"redis://:hunter2@ho st":         "is no URL",
		"redis://:hunter2%zz@host":       "percent-encode a password's",
		"redis://:hunter2#@host":         `has a "#"`,
		"redis://:hunter2@a,b":           "has several hosts",
		"redis://:hunter2@a/b":           "names no database",
		"redis://:hunter2@a/-1":          "names no database",
		"redis://:hunter2@a/1/2":         "names no database",
		"redis://a/99999999999999999999": "names no database",
		"redis+cluster://:hunter2@a/1":   "a Cluster has only one",
		"redis+cluster://:hunter2@a,":    "has no host",
		"redis+sentinel://:hunter2@a":    "does not name the master",
		"redis+sentinel://:hunter2@a/":   "does not name the master",
		"redis+sentinel://a/m/hunter2":   "names no database",
		"redis://a?password=hunter2":     "unknown parameter",
		"redis://a?hunter2":              "unknown parameter",
		"redis://a?ca=%zzhunter2":        "malformed parameters",
		"redis://:hunter2@a?ca=x":        "has ?ca and no TLS",
		"rediss://:hunter2@a?ca=":        "unknown parameter",
	} {
		if got, err := ParseRedis(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %+v, %v; want an error with %q and no password", text, got, err, want)
		}
	}
}

func TestHidePassword(t *testing.T) {
	for text, want := range map[string]string{
		"redis+sentinel://me:p@a:1,b:2/mymaster/0": "redis+sentinel://me:(hidden)@a:1,b:2/mymaster/0",
		"redis+cluster://:p@a,b":                   "redis+cluster://(hidden)@a,b",
		"redis://p@host":                           "redis://(hidden)@host",
		"rediss://host?ca=/x.pem":                  "rediss://host",
		"redis://":                                 Hidden,
		"redis://:hunter/2@host":                   Hidden,
		"redis://me:123/4@host":                    Hidden,
	} {
		if got := hidePassword(text); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
}

// FuzzParseRedis: what it accepts, it understands, and no error shows a password.
func FuzzParseRedis(f *testing.F) {
	for _, seed := range []string{"redis://me:p%40@host:1/2", "rediss+sentinel://:x@a,b:2/m/3?ca=y", "redis+cluster://[::1]:1,b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRedis(text)
		hidden := hidePassword(text)
		if err != nil {
			return
		}
		if len(r.Addresses) == 0 || r.Database < 0 || r.Cluster && r.Master != "" || r.CA != "" && !r.TLS {
			t.Errorf("%q: %+v", text, r)
		}
		for _, address := range r.Addresses {
			if u, err := url.Parse("redis://" + address); err != nil || u.Hostname() == "" || u.Port() == "" {
				t.Errorf("%q: address %q", text, address)
			}
		}
		if len(r.Password) > 8 && strings.Contains(hidden, r.Password) && !strings.Contains(strings.Join(r.Addresses, ",")+r.Master+r.User, r.Password) {
			t.Errorf("%q is shown as %q", text, hidden)
		}
	})
}
