package exchange

import "bytes"

// appendQuery appends the index-th value of name in a raw query, decoded as
// forms are (WHATWG URL, application/x-www-form-urlencoded): pairs are split at
// "&", "+" is a space, a pair without "=" has an empty value, and an escape that
// is none stands for itself. It reports whether there is such a value.
func appendQuery(dst, query, name []byte, index uint32) ([]byte, bool) {
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		if len(pair) == 0 {
			continue
		}
		key, value, _ := bytes.Cut(pair, []byte{'='})
		if !formEqual(key, name) {
			continue
		}
		if index > 0 {
			index--
			continue
		}
		return appendForm(dst, value), true
	}
	return dst, false
}

// formEqual reports whether key, decoded, is name.
func formEqual(key, name []byte) bool {
	for len(key) > 0 {
		c, n := formByte(key)
		if len(name) == 0 || name[0] != c {
			return false
		}
		key, name = key[n:], name[1:]
	}
	return len(name) == 0
}

// appendForm appends s, decoded.
func appendForm(dst, s []byte) []byte {
	for len(s) > 0 {
		c, n := formByte(s)
		dst, s = append(dst, c), s[n:]
	}
	return dst
}

// formByte decodes the first byte of s, and says how many bytes it took.
func formByte(s []byte) (c byte, n int) {
	switch {
	case s[0] == '+':
		return ' ', 1
	case s[0] == '%' && len(s) >= 3:
		hi, lo := unhex(s[1]), unhex(s[2])
		if hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 3
		}
	}
	return s[0], 1
}
