package traffic

import "bytes"

// Coding is how a body is compressed.
type Coding uint8

// The codings, the better first.
const (
	Identity Coding = iota
	Brotli
	Gzip
)

// Accepted returns what a client that sent this Accept-Encoding wants most of
// what there is (RFC 9110 section 12.5.3): gzip, and brotli if hasBrotli. Of two
// that it likes the same, brotli is taken. A header that is none asks for nothing.
func Accepted(header []byte, hasBrotli bool) Coding {
	const unset = -1
	brotli, gzip, any := unset, unset, unset
	for len(header) > 0 {
		var item []byte
		item, header, _ = bytes.Cut(header, []byte{','})
		name, parameters, _ := bytes.Cut(item, []byte{';'})
		q, ok := weight(parameters)
		if !ok {
			continue
		}
		switch name = bytes.TrimSpace(name); {
		case bytes.EqualFold(name, []byte("br")):
			brotli = q
		case bytes.EqualFold(name, []byte("gzip")), bytes.EqualFold(name, []byte("x-gzip")):
			gzip = q
		case string(name) == "*":
			any = q
		}
	}
	if brotli == unset {
		brotli = any
	}
	if gzip == unset {
		gzip = any
	}
	switch {
	case hasBrotli && brotli > 0 && brotli >= gzip:
		return Brotli
	case gzip > 0:
		return Gzip
	}
	return Identity
}

// weight reads "q=0.5" in thousandths; nothing is 1.
func weight(b []byte) (q int, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return 1000, true
	}
	if len(b) < 3 || b[0]|0x20 != 'q' || b[1] != '=' {
		return 0, false
	}
	whole, rest := b[2], b[3:]
	if whole != '0' && whole != '1' {
		return 0, false
	}
	q = int(whole-'0') * 1000
	if len(rest) == 0 {
		return q, true
	}
	if rest[0] != '.' || len(rest) > 4 {
		return 0, false
	}
	for i, c := range rest[1:] {
		if c < '0' || c > '9' || whole == '1' && c != '0' {
			return 0, false
		}
		q += int(c-'0') * [...]int{100, 10, 1}[i]
	}
	return q, true
}

// Matches reports whether a Content-Type is one of the types: "text/html", or
// "text/*" for all of a kind, in lower case.
func Matches(contentType []byte, types []string) bool {
	name, _, _ := bytes.Cut(contentType, []byte{';'})
	name = bytes.TrimSpace(name)
	for _, t := range types {
		if kind, all := cutStar(t); all {
			if len(name) > len(kind) && bytes.EqualFold(name[:len(kind)], []byte(kind)) {
				return true
			}
		} else if bytes.EqualFold(name, []byte(t)) {
			return true
		}
	}
	return false
}

// cutStar returns "text/" of "text/*".
func cutStar(t string) (kind string, all bool) {
	if n := len(t); n > 2 && t[n-2:] == "/*" {
		return t[:n-1], true
	}
	return t, false
}

// NoTransform reports whether a Cache-Control forbids another coding.
func NoTransform(cacheControl []byte) bool {
	for len(cacheControl) > 0 {
		var item []byte
		item, cacheControl, _ = bytes.Cut(cacheControl, []byte{','})
		if bytes.EqualFold(bytes.TrimSpace(item), []byte("no-transform")) {
			return true
		}
	}
	return false
}
