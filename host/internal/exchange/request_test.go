package exchange

import (
	"net"
	"strings"
	"testing"
)

func TestSplitTarget(t *testing.T) {
	for _, c := range []struct{ target, path, query, host string }{
		{"/", "/", "", "h"},
		{"/a%2Fb/../c?x=1?y", "/a%2Fb/../c", "x=1?y", "h"},
		{"/?", "/", "", "h"},
		{"//a", "//a", "", "h"},
		{"http://other/p?q", "/p", "q", "other"},
		{"HTTP://other:81", "/", "", "other:81"},
		{"http://other?q", "/", "q", "other"},
		{"*", "*", "", "h"},
		{"example.com:443", "example.com:443", "", "h"},
		{"", "error", "", ""},
		{"/a b", "error", "", ""},
		{"/a\x7f", "error", "", ""},
		{"/\xc3\xb6", "error", "", ""},
		{"/a#b", "error", "", ""},
		{"ftp://other/p", "error", "", ""},
		{"http:///p", "error", "", ""},
		{"http://user@other/p", "error", "", ""},
	} {
		r := Request{Target: []byte(c.target), Host: []byte("h")}
		if err := r.splitTarget(); err != nil {
			if c.path != "error" {
				t.Errorf("%q: %v", c.target, err)
			}
			continue
		}
		if string(r.Path) != c.path || string(r.Query) != c.query || string(r.Host) != c.host {
			t.Errorf("%q: path %q, query %q, host %q", c.target, r.Path, r.Query, r.Host)
		}
	}
}

func TestIdentify(t *testing.T) {
	for id, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("x", 128): true,
		"": false, strings.Repeat("x", 129): false, "a b": false, "a\"b": false, "ö": false, "a\n": false,
	} {
		var r Request
		r.identify([]byte(id))
		if (string(r.ID) == id) != kept {
			t.Errorf("%q became %q", id, r.ID)
		}
		if !validID(r.ID) {
			t.Errorf("%q is no valid id", r.ID)
		}
	}
	var a, b Request
	a.identify(nil)
	b.identify(nil)
	if string(a.ID) == string(b.ID) || len(a.ID) != 32 {
		t.Errorf("made %q and %q", a.ID, b.ID)
	}
}

func TestRemote(t *testing.T) {
	for _, c := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5}, "10.0.0.1"},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 5}, "10.0.0.1"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 5}, "fe80::1%eth0"},
		{&net.UnixAddr{Name: "/run/x", Net: "unix"}, "/run/x"},
		{nil, ""},
	} {
		var r Request
		r.setRemote(c.addr)
		if got := string(r.appendRemote(nil)); got != c.want {
			t.Errorf("%v: %q, want %q", c.addr, got, c.want)
		}
	}
}

func TestDecoded(t *testing.T) {
	for in, want := range map[string]string{
		"/a%2Fb/%41": "/a/b/A", "/a+b": "/a+b", "/%": "/%", "/%4": "/%4", "/%zz": "/%zz", "//": "//",
	} {
		if got := string(appendDecoded(nil, []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
