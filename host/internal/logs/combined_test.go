package logs

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func combined(r *Request) string {
	w := &memory{}
	s := NewSink(w)
	NewAccess(s, Combined).Log(r)
	_ = s.Flush()
	return w.String()
}

func TestCombined(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", -7*3600))
	for want, r := range map[string]*Request{
		`192.0.2.1 - - [04/Mar/2026:05:06:07 -0700] "GET /users/7 HTTP/1.1" 200 59 "https://a.example/list" "curl/8.5"`: {
			Time: at, Method: []byte("GET"), Path: []byte("/users/7"), Protocol: []byte("HTTP/1.1"), Status: 200, Bytes: 59,
			Remote: []byte("192.0.2.1"), Referer: []byte("https://a.example/list?token=secret#x"), Agent: []byte("curl/8.5"), ID: []byte("1")},
		`::1 - - [04/Mar/2026:05:06:07 -0700] "GET / HTTP/1.0" 404 - "-" "-"`: {
			Time: at, Method: []byte("GET"), Path: []byte("/"), Protocol: []byte("HTTP/1.0"), Status: 404, Remote: []byte("::1"), Reason: "no such route"},
		`- - - [04/Mar/2026:05:06:07 -0700] "GET /\x22\x5c HTTP/1.1" 200 - "-" "a\x22 200 - \x0a\xc3\xa4"`: {
			Time: at, Method: []byte("GET"), Path: []byte(`/"\`), Protocol: []byte("HTTP/1.1"), Status: 200, Agent: []byte("a\" 200 - \nä")},
		`192.0.2.1 - - [04/Mar/2026:05:06:07 -0700] "-" 431 - "-" "-"`: {
			Time: at, Unread: true, Status: 431, Remote: []byte("192.0.2.1"), Reason: "head too large"},
	} {
		if got := combined(r); got != want+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	}
}

// Whatever a client sends, its line is one line of that form.
func FuzzCombined(f *testing.F) {
	form := regexp.MustCompile(`^[!-~]+ - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"\\]*(\\x[0-9a-f]{2}[^"\\]*)*" -?\d+ (-|\d+) "[^"\\]*(\\x[0-9a-f]{2}[^"\\]*)*" "[^"\\]*(\\x[0-9a-f]{2}[^"\\]*)*"\n$`)
	f.Add("GET", "/", "HTTP/1.1", "http://a/?b", "x")
	f.Add("\" \\", "\n", "\x00", "\xff", "é")
	f.Fuzz(func(t *testing.T, method, path, protocol, referer, agent string) {
		got := combined(&Request{Time: time.Unix(1, 0), Method: []byte(method), Path: []byte(path), Protocol: []byte(protocol),
			Referer: []byte(referer), Agent: []byte(agent), Remote: []byte("::1"), Status: 200, Bytes: 1})
		if !form.MatchString(got) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q", got)
		}
	})
}
