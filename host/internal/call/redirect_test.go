package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func redirected(t *testing.T, method, target string, status int, locations ...string) (*fasthttp.Request, Hop, bool, error) {
	t.Helper()
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	req.Header.SetMethod(method)
	req.SetRequestURI(target)
	resp.SetStatusCode(status)
	for _, location := range locations {
		resp.Header.Add("Location", location)
	}
	hop, ok, err := NextHop("https://a.example:8443", req, resp)
	return req, hop, ok, err
}

// TestRedirectMethods: which answers redirect, and as what (RFC 9110 section 15.4).
func TestRedirectMethods(t *testing.T) {
	for status, want := range map[int]string{ // the methods of GET, HEAD, POST, PUT and DELETE; "" is none
		200: "", 201: "", 300: "", 304: "", 305: "", 306: "", 404: "",
		301: "GET HEAD GET PUT DELETE",
		302: "GET HEAD GET PUT DELETE",
		303: "GET HEAD GET GET GET",
		307: "GET HEAD POST PUT DELETE",
		308: "GET HEAD POST PUT DELETE",
	} {
		for i, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
			req, hop, ok, err := redirected(t, method, "/old", status, "/new")
			if err != nil || ok != (want != "") {
				t.Errorf("%d: %v, %v", status, ok, err)
			}
			if !ok {
				continue
			}
			req.SetBodyString("body")
			req.Header.Set("Content-Type", "text/plain")
			req.Header.Set("Content-Language", "de")
			req.Header.Set("Digest", "x")
			req.Header.Set("X-Own", "1")
			hop.Prepare(req, true)
			to := strings.Fields(want)[i]
			if got := string(req.Header.Method()); got != to || string(req.Header.RequestURI()) != "/new" {
				t.Errorf("%s after %d is %s %s, want %s", method, status, got, req.Header.RequestURI(), to)
			}
			kept := to == method
			headers := fmt.Sprintf("%q %q %q", req.Header.Peek("Content-Type"), req.Header.Peek("Content-Language"), req.Header.Peek("Digest"))
			if (string(req.Body()) == "body") != kept || (headers == `"text/plain" "de" "x"`) != kept || (headers == `"" "" ""`) == kept {
				t.Errorf("%s after %d: body %q and headers %s", method, status, req.Body(), headers)
			}
			if string(req.Header.Peek("X-Own")) != "1" {
				t.Errorf("%s after %d: a header was lost", method, status)
			}
		}
	}
}

func TestRedirectPlaces(t *testing.T) {
	for location, want := range map[string]string{
		"/new":                                "https://a.example:8443 /new",
		"new?x=1":                             "https://a.example:8443 /dir/new?x=1",
		"../up":                               "https://a.example:8443 /up",
		"../../../up":                         "https://a.example:8443 /up",
		"?q":                                  "https://a.example:8443 /dir/old?q",
		"":                                    "https://a.example:8443 /dir/old?was=1",
		"#part":                               "https://a.example:8443 /dir/old?was=1",
		"/a%2Fb/%2e%2e/c":                     "https://a.example:8443 /a%2Fb/%2e%2e/c",
		"//b.example/x":                       "https://b.example /x",
		"http://b.example":                    "http://b.example /",
		"HTTP://B.example:80/x#part":          "http://B.example:80 /x",
		"https://[::1]:9/":                    "https://[::1]:9 /",
		"/with space?and one":                 "https://a.example:8443 /with%20space?and%20one",
		"/ä?ö":                                "https://a.example:8443 /%C3%A4?%C3%B6",
		`/\evil.example`:                      "https://a.example:8443 /%5Cevil.example",
		`\\evil.example/x`:                    "https://a.example:8443 /dir/%5C%5Cevil.example/x",
		"http://2130706433/":                  "http://2130706433 /",
		"http://0x7f.1/":                      "http://0x7f.1 /",
		"http://a.example./":                  "http://a.example. /",
		"https://user@a.example:8443/":        "DENIED",
		"https://user:hunter2@a.example:8443": "DENIED",
		"https://@a.example:8443/":            "DENIED",
		"ftp://a.example/":                    "DENIED",
		"file:///etc/passwd":                  "DENIED",
		"unix:///run/x.sock":                  "DENIED",
		"http:///x":                           "DENIED",
		"http:/x":                             "DENIED",
		"https:":                              "DENIED",
		"http:x":                              "UNAVAILABLE",
		"javascript:alert(1)":                 "UNAVAILABLE",
		"http://[::1":                         "UNAVAILABLE",
		"http://a b/":                         "UNAVAILABLE",
		"http://a:port/":                      "UNAVAILABLE",
		"http://%6c%6f/":                      "UNAVAILABLE",
		"/%zz":                                "UNAVAILABLE",
		":":                                   "UNAVAILABLE",
	} {
		req, hop, ok, err := redirected(t, "GET", "/dir/old?was=1", 302, location)
		got := ""
		switch {
		case errors.Is(err, ErrDenied):
			got = "DENIED"
		case errors.Is(err, ErrUnavailable):
			got = "UNAVAILABLE"
		case ok && err == nil:
			hop.Prepare(req, true)
			got = hop.Origin + " " + string(req.Header.RequestURI())
		}
		if got != want {
			t.Errorf("%q leads to %q (%v), want %q", location, got, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "zz")) {
			t.Errorf("the error quotes the URL: %v", err)
		}
	}
	if _, _, ok, err := redirected(t, "GET", "/", 302); ok || err != nil {
		t.Errorf("without a Location: %v, %v", ok, err)
	}
	if _, _, _, err := redirected(t, "GET", "/", 302, "/a", "/b"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("with two: %v", err)
	}
}

// TestRedirectKeepsSecrets: what one origin was trusted with, another is not told.
func TestRedirectKeepsSecrets(t *testing.T) {
	for _, same := range []bool{true, false} {
		req, hop, _, err := redirected(t, "GET", "/", 307, "/new")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"authorization", "PROXY-AUTHORIZATION", "cookie", "x-request-id", "accept"} {
			req.Header.Add(name, "a=b")
		}
		req.Header.Add("Cookie", "c=d")
		hop.Prepare(req, same)
		var left []string
		for name := range req.Header.All() {
			left = append(left, strings.ToLower(string(name)))
		}
		slices.Sort(left)
		want := "accept x-request-id"
		if same {
			want = "accept authorization cookie proxy-authorization x-request-id"
		}
		if got := strings.Join(slices.Compact(left), " "); got != want {
			t.Errorf("with the same origin %v: %s, want %s", same, got, want)
		}
	}
}

// FuzzRedirect: whatever a Location holds, what comes of it is a request that can be
// sent, or an error.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{"/a", "//b/c", "http://a:80/%2F", "https://u:p@h", "?", "#", "http://[::1%25lo]/", "/\x00", "http:a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		req, resp := new(fasthttp.Request), new(fasthttp.Response)
		req.SetRequestURI("/dir/old")
		resp.SetStatusCode(307)
		resp.Header.Set("Location", location)
		hop, ok, err := NextHop("https://a.example", req, resp)
		if err != nil {
			if !errors.Is(err, ErrDenied) && !errors.Is(err, ErrUnavailable) {
				t.Errorf("%q: %v", location, err)
			}
			return
		}
		if !ok {
			return
		}
		hop.Prepare(req, false)
		o, err := parseOrigin(strings.ToLower(hop.Origin))
		if err != nil {
			return // nobody can be granted it
		}
		if _, _, err := appendRequest(nil, &o, req); err != nil {
			t.Errorf("%q: %v", location, err)
		}
	})
}
