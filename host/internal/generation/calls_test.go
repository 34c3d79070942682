package generation

import "testing"

// TestOutbound: an origin is one of the grants, however it is written, and only
// one that names a private address literally may reach it.
func TestOutbound(t *testing.T) {
	grants := []string{
		"https://api.example.com", "http://api.example.com:8080", "http://plain.example.com",
		"http://127.0.0.1:9000", "http://localhost", "https://[::1]:8443", "http://10.0.0.2",
	}
	for origin, want := range map[string]struct {
		granted string
		private bool
	}{
		"https://api.example.com":      {"https://api.example.com", false},
		"https://api.example.com/":     {"https://api.example.com", false},
		"HTTPS://API.Example.COM":      {"https://api.example.com", false},
		"https://api.example.com:443":  {"https://api.example.com", false},
		"http://api.example.com:8080":  {"http://api.example.com:8080", false},
		"http://plain.example.com:80":  {"http://plain.example.com", false},
		"http://127.0.0.1:9000":        {"http://127.0.0.1:9000", true},
		"http://localhost":             {"http://localhost", true},
		"http://localhost:80":          {"http://localhost", true},
		"https://[::1]:8443":           {"https://[::1]:8443", true},
		"http://10.0.0.2":              {"http://10.0.0.2", true},
		"http://api.example.com":       {},
		"https://api.example.com:80":   {},
		"https://api.example.com:8443": {},
		"http://plain.example.com:443": {},
		"https://api.example.com.":     {},
		"https://api.example.com/path": {},
		"https://api.example.com?q":    {},
		"https://u@api.example.com":    {},
		"https://evil.example.com":     {},
		"https://api.example.com.evil": {},
		"http://127.0.0.1":             {},
		"http://127.1:9000":            {},
		"http://2130706433:9000":       {},
		"://":                          {},
		"ftp://api.example.com":        {},
	} {
		granted, private, ok := outbound(origin, grants)
		if granted != want.granted || private != want.private || ok != (want.granted != "") {
			t.Errorf("%s: got %q, private %v, %v; want %+v", origin, granted, private, ok, want)
		}
	}
	if _, _, ok := outbound("https://api.example.com", nil); ok {
		t.Error("allowed without a grant")
	}
}
