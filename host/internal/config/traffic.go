package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Traffic holds [traffic], and what a [[route]] may override: rules around the
// handler.
type Traffic struct {
	Rate      Rate   // zero: no limit
	RateBurst int    // 0: what Rate gives in a second, at least 1
	RateBy    string // the header, in lower case, whose value names a client; "": its address

	CORSOrigins     []string // in the form of Plugin.Outbound, or exactly ["*"]; empty: no CORS
	CORSHeaders     []string // of requests; ["*"]: any
	CORSExpose      []string // of responses; ["*"]: all
	CORSCredentials bool
	CORSMaxAge      time.Duration

	Compress      bool
	CompressMin   int64    // bytes
	CompressTypes []string // lower case; "text/*" is all of a kind

	Headers map[string]string // of every response, by canonical name
}

// Rate is so many in such a time.
type Rate struct {
	Count int
	Per   time.Duration // a second, a minute or an hour
}

// On reports whether there is a limit.
func (r Rate) On() bool { return r.Count > 0 }

// String returns the rate as host.toml has it.
func (r Rate) String() string {
	if !r.On() {
		return "off"
	}
	return strconv.Itoa(r.Count) + "/" + map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h"}[r.Per]
}

// Every returns the time between two.
func (r Rate) Every() time.Duration { return r.Per / time.Duration(r.Count) }

// PerSecond returns what the rate gives in a second, at least 1.
func (r Rate) PerSecond() int { return max(1, int(int64(r.Count)*int64(time.Second)/int64(r.Per))) }

// clone returns a copy that shares no map.
func (t Traffic) clone() Traffic {
	t.Headers = maps.Clone(t.Headers)
	if t.Headers == nil {
		t.Headers = map[string]string{}
	}
	return t
}

// readRate reads "10/s", "600/m", "1000/h" or "off".
func readRate(dst *Rate) reader {
	return func(v any, at place) {
		const advice = `write "10/s", "600/m", "1000/h" or "off"`
		s, ok := v.(string)
		if n, isNumber := v.(int64); isNumber && n > 0 {
			at.fail(`%d says not in which time; write "%d/s", "%d/m" or "%d/h"`, n, n, n, n)
			return
		}
		if !ok {
			at.fail("expected a rate, got %s; %s", kind(v), advice)
			return
		}
		if s == "off" {
			*dst = Rate{}
			return
		}
		number, unit, _ := strings.Cut(s, "/")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
		unit = strings.TrimSpace(unit)
		if err == nil && n > 0 && per[unit] == 0 {
			for short, names := range map[string]string{"s": " sec second 1s ", "m": " min minute 1m ", "h": " hour hr 1h "} {
				if unit != "" && strings.Contains(names, " "+strings.ToLower(unit)+" ") || strings.EqualFold(unit, short) {
					at.fail("%s is no rate; write %q", show(s), strconv.Itoa(n)+"/"+short)
					return
				}
			}
		}
		switch {
		case err == nil && per[unit] > 0 && (n < 1 || n > maxRate):
			at.fail(`%s is out of range; write 1 to %d, or "off"`, show(s), maxRate)
		case err != nil || n < 1 || per[unit] == 0 || strconv.Itoa(n)+"/"+unit != s:
			at.fail("%s is no rate; %s", show(s), advice)
		default:
			*dst = Rate{n, per[unit]}
		}
	}
}

// maxRate is the largest number of a rate, which keeps nanoseconds exact enough.
const maxRate = 1_000_000

// rateBy reads "address" or "header:NAME".
func rateBy(dst *string) reader {
	return func(v any, at place) {
		s, ok := v.(string)
		const advice = `write "address", or "header:X-Api-Key" with the header's name`
		name, isHeader := strings.CutPrefix(s, "header:")
		switch {
		case !ok:
			at.fail("expected text, got %s; %s", kind(v), advice)
		case s == "address":
			*dst = ""
		case isHeader && isHeaderName(name):
			*dst = strings.ToLower(name)
		case isHeader:
			at.fail("%s is no name of a header; %s", show(name), advice)
		case s == "ip":
			at.fail(`"ip" is none of these; write "address"`)
		case isHeaderName(s) && Nearest(s, []string{"address"}) == "":
			at.fail("%s is none of these; write %q for the header of that name, or \"address\"", show(s), "header:"+s)
		default:
			at.fail("%s is none of these; %s", show(s), advice)
		}
	}
}

// corsOrigin parses an origin that may read responses, or "*".
func corsOrigin(s string) (string, error) {
	switch s {
	case "*":
		return s, nil
	case "null":
		return "", errors.New(`"null" stands for any page without an origin; name the origins, or write ["*"]`)
	}
	return parseOrigin(s)
}

// headerName parses the name of a header, or "*". What the browser lets pass
// anyway, and what it never does, is not checked.
func headerName(s string) (string, error) {
	if s == "*" || isHeaderName(s) {
		return canonicalHeader(s), nil
	}
	return "", fmt.Errorf(`%s is no name of a header; write one such as "X-Api-Key"`, show(s))
}

// mediaType parses "application/json" or "text/*".
func mediaType(s string) (string, error) {
	kind, sub, ok := strings.Cut(s, "/")
	switch {
	case s == "*" || s == "*/*":
		return "", fmt.Errorf(`%s would compress images and archives again; list types such as "text/*"`, show(s))
	case ok && isHeaderName(kind) && kind != "*" && (sub == "*" || isHeaderName(sub) && !strings.Contains(sub, "*")):
		return strings.ToLower(s), nil
	case strings.Contains(s, ";"):
		return "", fmt.Errorf("%s holds a parameter; write only the type, such as %s", show(s), show(strings.TrimSpace(s[:strings.Index(s, ";")])))
	}
	return "", fmt.Errorf(`%s is no media type; write one such as "application/json" or "text/*"`, show(s))
}

// readHeaders reads the headers that every response gets.
func (t *Traffic) readHeaders(v any, at place) {
	values, ok := v.(map[string]any)
	if !ok {
		at.fail(`expected a section, got %s; write headers = {"X-Frame-Options" = "DENY"}`, kind(v))
		return
	}
	for _, name := range at.inOrder(values) {
		at := at.in(name)
		s, ok := values[name].(string)
		switch canonical := canonicalHeader(name); {
		case !isHeaderName(name):
			at.fail("%s is no name of a header; write letters, digits and hyphens", show(name))
		case !ok:
			at.fail("expected text, got %s; write it in quotes", kind(values[name]))
		case s == "":
			at.fail("empty; write a value, or remove it")
		case strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
			at.fail("holds a character that a header cannot, or begins or ends with a space; write printable ASCII")
		case hostsHeader(canonical):
			at.fail("the host sets %s itself; remove it", canonical)
		case strings.HasPrefix(canonical, "Access-Control-"):
			at.fail("write the keys cors_origins, cors_headers, … instead")
		case canonical == "Vary":
			at.fail("the host adds to Vary what its rules need, and the handler the rest; remove it")
		default:
			t.Headers[canonical] = s
		}
	}
}

// hostsHeader reports whether a header is about the message or the connection, or
// is what the host says of itself.
func hostsHeader(canonical string) bool {
	return slices.Contains([]string{
		"Content-Length", "Content-Encoding", "Content-Type", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection",
		"Te", "Trailer", "Upgrade", "Date", "X-Request-Id", "Allow", "Retry-After", "Set-Cookie",
	}, canonical)
}

// canonicalHeader returns "X-Api-Key" for "x-api-key".
func canonicalHeader(name string) string {
	parts := strings.Split(strings.ToLower(name), "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "-")
}

// isHeaderName reports whether s is a token (RFC 9110 section 5.6.2).
func isHeaderName(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") == ""
}

// check reports what is wrong between the rules. of is where they stand; a rule
// without effect is one of a route.
func (t *Traffic) check(at place, route bool) {
	star := func(list []string) bool { return slices.Contains(list, "*") }
	for _, l := range []struct {
		key  string
		list []string
	}{{"cors_origins", t.CORSOrigins}, {"cors_headers", t.CORSHeaders}, {"cors_expose", t.CORSExpose}} {
		if at := at.in(l.key); star(l.list) && len(l.list) > 1 && at.set() {
			at.fail(`"*" stands beside others; write ["*"] alone, or only the others`)
		} else if l.key != "cors_origins" && star(l.list) && t.CORSCredentials && at.set() {
			at.fail(`with cors_credentials a browser takes "*" for a name; list the headers`)
		}
	}
	if origins, credentials := at.in("cors_origins"), at.in("cors_credentials"); star(t.CORSOrigins) && t.CORSCredentials && !origins.broken() && (origins.own || credentials.own) {
		whichever(credentials, origins).fail(`with cors_origins = ["*"] browsers refuse credentials; list the origins`)
	}
	if age := at.in("cors_max_age"); t.CORSMaxAge%time.Second != 0 && age.set() {
		age.fail("%s is no whole number of seconds; write %q", formatDuration(t.CORSMaxAge), formatDuration(t.CORSMaxAge.Truncate(time.Second)+time.Second))
	}
	if !route {
		return
	}
	without := func(on bool, switchKey, advice string, keys ...string) {
		if on || at.in(switchKey).broken() {
			return
		}
		for _, key := range keys {
			if at := at.in(key); at.set() {
				at.fail("has no effect without %s; write %s, or remove it", switchKey, advice)
			}
		}
	}
	without(t.Rate.On(), "rate", `rate = "10/s"`, "rate_burst", "rate_by")
	without(len(t.CORSOrigins) > 0, "cors_origins", `cors_origins = ["https://app.example.com"]`, "cors_headers", "cors_expose", "cors_credentials", "cors_max_age")
	without(t.Compress, "compress", "compress = true", "compress_min", "compress_types")
}

func (t *Traffic) keys() []key {
	return []key{
		{"rate", readRate(&t.Rate)},
		{"rate_burst", count(&t.RateBurst, 0, maxRate)},
		{"rate_by", rateBy(&t.RateBy)},
		{"cors_origins", list(&t.CORSOrigins, "https://app.example.com", corsOrigin)},
		{"cors_headers", list(&t.CORSHeaders, "Content-Type", headerName)},
		{"cors_expose", list(&t.CORSExpose, "X-Request-Id", headerName)},
		{"cors_credentials", boolean(&t.CORSCredentials)},
		{"cors_max_age", duration(&t.CORSMaxAge, 0, longest)},
		{"compress", boolean(&t.Compress)},
		{"compress_min", size(&t.CompressMin, 1, maxHeld)},
		{"compress_types", list(&t.CompressTypes, "text/*", mediaType)},
		{"headers", t.readHeaders},
	}
}

func (t *Traffic) effective() map[string]any {
	by := "address"
	if t.RateBy != "" {
		by = "header:" + canonicalHeader(t.RateBy)
	}
	return map[string]any{
		"rate":             t.Rate.String(),
		"rate_burst":       t.RateBurst,
		"rate_by":          by,
		"cors_origins":     texts(t.CORSOrigins),
		"cors_headers":     texts(t.CORSHeaders),
		"cors_expose":      texts(t.CORSExpose),
		"cors_credentials": t.CORSCredentials,
		"cors_max_age":     formatDuration(t.CORSMaxAge),
		"compress":         t.Compress,
		"compress_min":     sized(t.CompressMin),
		"compress_types":   texts(t.CompressTypes),
		"headers":          t.Headers,
	}
}
