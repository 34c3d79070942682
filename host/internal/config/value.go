package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func boolean(dst *bool) reader {
	return func(v any, at place) {
		b, ok := v.(bool)
		if !ok {
			at.fail("expected true or false, got %s%s", kind(v), withoutQuotes(v, "true", "false"))
			return
		}
		*dst = b
	}
}

// count reads a whole number from least to most.
func count(dst *int, least, most int) reader {
	return func(v any, at place) {
		switch n := v.(type) {
		case int64:
			if n < int64(least) || n > int64(most) {
				at.fail("%d is out of range; write %d to %d", n, least, most)
				return
			}
			*dst = int(n)
		case string:
			if _, err := strconv.Atoi(n); err == nil {
				at.fail("expected a number, got %s; write %s without quotes", kind(v), n)
				return
			}
			at.fail("expected a number, got %s; write %d to %d", kind(v), least, most)
		case float64:
			at.fail("expected a whole number, got %v; write %d to %d", n, least, most)
		default:
			at.fail("expected a number, got %s; write %d to %d", kind(v), least, most)
		}
	}
}

// fraction reads a number from 0 to 1.
func fraction(dst *float64) reader {
	return func(v any, at place) {
		f, ok := v.(float64)
		if n, isWhole := v.(int64); isWhole {
			f, ok = float64(n), true
		}
		switch s, isText := v.(string); {
		case isText && strings.HasSuffix(s, "%"):
			at.fail("%s is no number; write 1.0 for all, 0.1 for a tenth", show(s))
		case !ok:
			at.fail("expected a number, got %s; write 1.0 for all, 0.1 for a tenth", kind(v))
		case !(f >= 0 && f <= 1):
			at.fail("%v is out of range; write 0.0 to 1.0", v)
		default:
			*dst = f
		}
	}
}

// oneOf reads one of the options.
func oneOf[T ~string](dst *T, options ...T) reader {
	return func(v any, at place) {
		names := make([]string, len(options))
		for i := range options {
			names[i] = string(options[i])
		}
		s, ok := v.(string)
		if !ok {
			at.fail("expected text, got %s; write %s", kind(v), quoted(names))
			return
		}
		if i := slices.Index(names, s); i >= 0 {
			*dst = options[i]
			return
		}
		if near := Nearest(s, names); near != "" {
			at.fail("%s is none of %s; did you mean %q?", show(s), quoted(names), near)
			return
		}
		at.fail("%s is none of these; write %s", show(s), quoted(names))
	}
}

// A parser checks a text and returns it in the form that Config holds. Its
// error says what is wrong and what to write.
type parser func(s string) (string, error)

// text reads a text that must not be empty.
func text(dst *string, parse parser) reader {
	return func(v any, at place) {
		s, ok := v.(string)
		if n, isNumber := v.(int64); isNumber && !secret(at.key) {
			if _, err := parse(strconv.FormatInt(n, 10)); err != nil {
				at.fail("%v", err) // quotes alone would not do
				return
			}
		}
		switch {
		case !ok:
			at.fail("expected text, got %s; write it in quotes", kind(v))
		case s == "":
			at.fail("empty; write a value, or leave the key out for the default %q", *dst)
		default:
			parseInto(dst, s, parse, at)
		}
	}
}

// optional reads a text that may be empty.
func optional(dst *string, parse parser) reader {
	return func(v any, at place) {
		if v == "" {
			*dst = ""
			return
		}
		text(dst, parse)(v, at)
	}
}

func parseInto(dst *string, s string, parse parser, at place) {
	if strings.ContainsFunc(s, isControl) {
		at.fail("holds a line break or another control character; write it on one line")
		return
	}
	parsed, err := parse(s)
	if err != nil {
		at.fail("%v", err)
		return
	}
	*dst = parsed
}

// list reads a list of texts, none twice. example stands in the errors.
func list(dst *[]string, example string, parse parser) reader {
	return func(v any, at place) {
		values, ok := v.([]any)
		switch s, isText := v.(string); {
		case isText && s != "" && !strings.ContainsFunc(s, isControl) && !strings.Contains(s, "@"):
			at.fail("expected a list, got text; write [%s]", show(s))
			return
		case !ok:
			at.fail("expected a list, got %s; write [%q]", kind(v), example)
			return
		}
		all, seen := make([]string, 0, len(values)), make(map[string]bool, len(values))
		for _, v := range values {
			s, ok := v.(string)
			if !ok {
				at.fail("expected a list of texts, got %s in it; write [%q]", kind(v), example)
				continue
			}
			if s == "" {
				at.fail("holds an empty text; remove it")
				continue
			}
			var parsed string
			if parseInto(&parsed, s, parse, at); parsed == "" {
				continue
			}
			if seen[parsed] {
				at.fail("%s is listed twice; remove one", show(parsed))
				continue
			}
			seen[parsed] = true
			all = append(all, parsed)
		}
		*dst = all
	}
}

func isControl(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }

// kind names the type of a value, for errors. The value itself may be a secret.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case time.Time:
		return "a date or time"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "tables"
	}
	return fmt.Sprintf("%T", v)
}

// show returns text in quotes, shortened when it is long, and without what
// stands before an "@", which may be a password.
func show(s string) string {
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		s = "…" + s[i:]
	}
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

// quoted returns the options as `"a", "b" or "c"`.
func quoted(options []string) string {
	var b strings.Builder
	for i, o := range options {
		switch {
		case i == 0:
		case i == len(options)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(o))
	}
	return b.String()
}

// withoutQuotes advises to leave quotes out when v is one of the words in them.
func withoutQuotes(v any, words ...string) string {
	if s, ok := v.(string); ok && slices.Contains(words, strings.ToLower(s)) {
		return "; write " + strings.ToLower(s) + " without quotes"
	}
	return "; write " + strings.Join(words, " or ")
}
