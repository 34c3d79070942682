package config

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// dotted reads a key of one or more parts, bare or in quotes, and the spaces
// after it.
func (s *scanner) dotted() (parts []string) {
	for {
		s.skip(" \t")
		start := s.pos
		switch c := s.peek(); c {
		case '"', '\'':
			s.quoted()
			raw := strings.TrimSuffix(s.text[start+1:s.pos], string(rune(c)))
			if c == '"' {
				raw = unescape(raw)
			}
			parts = append(parts, raw)
		default:
			for isBare(s.peek()) {
				s.next()
			}
			if s.pos == start { // not TOML
				return nil
			}
			parts = append(parts, s.text[start:s.pos])
		}
		s.skip(" \t")
		if s.peek() != '.' {
			return parts
		}
		s.next()
	}
}

func isBare(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// unescape decodes what stands between the quotes of a basic string.
func unescape(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b.WriteByte(raw[i])
			continue
		}
		i++
		digits := 0
		switch raw[i] {
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			if at := strings.IndexByte(`btnfre"\`, raw[i]); at >= 0 {
				b.WriteByte("\b\t\n\f\r\x1b\"\\"[at])
			}
			continue
		}
		end := min(i+1+digits, len(raw))
		r, err := strconv.ParseUint(raw[i+1:end], 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) { // not TOML
			r = utf8.RuneError
		}
		b.WriteRune(rune(r))
		i = end - 1
	}
	return b.String()
}
