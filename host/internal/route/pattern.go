package route

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern is a valid route pattern. ParsePattern makes one; the zero Pattern is
// not valid. It is immutable.
type Pattern struct {
	source   string
	segments []segment
	names    []string
}

type kind uint8

const (
	kindStatic kind = iota
	kindRegex
	kindParam
	kindRest
)

type segment struct {
	kind  kind
	text  string         // static: decoded; regex: as written
	regex *regexp.Regexp // regex: anchored at both ends
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.source }

// Names returns the names of the parameters, in the order of the pattern. The
// caller owns the slice.
func (p Pattern) Names() []string { return slices.Clone(p.names) }

// ParsePattern reads a pattern; see the package comment for the syntax. The error
// quotes the pattern and says what to write instead.
func ParsePattern(s string) (Pattern, error) {
	p := Pattern{source: s}
	if err := p.parse(); err != nil {
		return Pattern{}, fmt.Errorf("%s: %w", quote(s), err)
	}
	return p, nil
}

func (p *Pattern) parse() error {
	if p.source == "" {
		return errors.New(`a path starts with "/"; write "/" for the root`)
	}
	if i := strings.Index(p.source, " /"); i > 0 && p.source[0] != '/' {
		return fmt.Errorf(`a path holds no method; write %s and put %q in "method"`, quote(p.source[i+1:]), p.source[:i])
	}
	if p.source[0] != '/' {
		return fmt.Errorf(`a path starts with "/"; write %s`, quote("/"+strings.TrimLeft(strings.TrimSpace(p.source), "/")))
	}
	for rest, more := p.source, true; more; {
		rest = rest[1:] // the slash
		length := segmentLen(rest)
		more = length < len(rest)
		if err := p.add(rest[:length], more); err != nil {
			return err
		}
		rest = rest[length:]
	}
	return nil
}

// add appends one segment; more says that another one follows.
func (p *Pattern) add(s string, more bool) error {
	var next segment
	var err error
	if strings.HasPrefix(s, "{") {
		next, err = p.param(s, more)
	} else {
		next, err = static(s, more)
	}
	p.segments = append(p.segments, next)
	return err
}

func fail(format string, args ...any) (segment, error) {
	return segment{}, fmt.Errorf(format, args...)
}

// static reads a segment without parameters.
func static(s string, more bool) (segment, error) {
	switch {
	case s == "" && more:
		return fail(`"//" holds an empty segment; write a single "/"`)
	case strings.ContainsAny(s, "?#"):
		return fail(`%s holds "?" or "#", and a path ends before them; leave out the query, a plugin reads it by itself`, quote(s))
	case strings.ContainsAny(s, "{}"):
		return fail(`%s mixes text and braces; a parameter is a whole segment, "{name}", or "{name:regex}" for one of a certain form; write "%%7B" and "%%7D" for braces as text`, quote(s))
	case strings.HasPrefix(s, ":"):
		return fail(`%s is no parameter here; write "{%s}", or "%%3A%s" for a colon as text`, quote(s), suggestName(s), s[1:])
	case strings.HasPrefix(s, "*"):
		return fail(`%s is no parameter here; write "{rest...}" at the end for all that is left, "{name}" for one segment, or "%%2A%s" for a star as text`, quote(s), s[1:])
	case strings.ContainsRune(s, ' '):
		return fail(`%s holds a space; remove it, or write "%%20"`, quote(s))
	}
	text, err := appendDecoded(nil, []byte(s))
	switch {
	case errors.Is(err, ErrEscape):
		return fail(`%s: %w; write "%%25" for a percent sign as text`, quote(s), err)
	case errors.Is(err, ErrControl):
		return fail(`%s: %w, and requests with one are refused; remove it`, quote(s), err)
	case errors.Is(err, ErrDots):
		return fail(`%s: %w, and requests with one are refused; write the path without it`, quote(s), err)
	}
	return segment{kind: kindStatic, text: string(text)}, err
}

// param reads a segment that starts with a brace.
func (p *Pattern) param(s string, more bool) (segment, error) {
	last := closingBrace(s)
	switch {
	case last < 0:
		return fail(`%s has no closing brace; write "{name}" or "{name:regex}", and "\{" or "\}" for a single brace in a regex`, quote(s))
	case last < len(s)-1:
		return fail(`%s goes on after its closing brace; a parameter is a whole segment, "{name}", or "{name:regex}" for one of a certain form`, quote(s))
	}
	name, expr, hasRegex := strings.Cut(s[1:last], ":")
	name, isRest := strings.CutSuffix(name, "...")
	switch {
	case !isName(name):
		return fail(`%s is no name for a parameter; write one like "%s": a lower-case letter or "_", then letters, digits and "_"`, quote(name), suggestName(name))
	case slices.Contains(p.names, name):
		return fail(`the name %s stands twice; rename one of them, for example to "%s2"`, quote(name), name)
	case isRest && hasRegex:
		return fail(`%s: what is left can have no regex; write "{%s...}" for all of it, or "{%s:%s}" for one segment`, quote(s), name, name, expr)
	case isRest && more:
		return fail(`%s takes all that is left and stands only at the end; write "{%s}" for one segment`, quote(s), name)
	case hasRegex && expr == "":
		return fail(`%s has an empty regex; write "{%s}" for any segment, or a regex such as "{%s:[0-9]+}"`, quote(s), name, name)
	case hasRegex && expr == "*":
		return fail(`%s: "*" is no regex; write "{%s...}" at the end for all that is left, or "{%s}" for one segment`, quote(s), name, name)
	}
	p.names = append(p.names, name)
	switch {
	case isRest:
		return segment{kind: kindRest}, nil
	case !hasRegex:
		return segment{kind: kindParam}, nil
	}
	// Alone first: "a)(b" is a regex only between other parentheses.
	if _, err := regexp.Compile(expr); err != nil {
		return fail(`%s: the regex is not valid: %w; the syntax is that of https://pkg.go.dev/regexp/syntax`, quote(s), err)
	}
	regex, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return fail(`%s: the regex is not valid inside of a group: %w; write it so that "(?:%s)" is one`, quote(s), err, expr)
	}
	return segment{kind: kindRegex, text: expr, regex: regex}, nil
}

// isName reports whether s is [a-z_][a-zA-Z0-9_]*.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		lower, upper, digit := 'a' <= c && c <= 'z' || c == '_', 'A' <= c && c <= 'Z', '0' <= c && c <= '9'
		if !lower && (i == 0 || !upper && !digit) {
			return false
		}
	}
	return s != ""
}

// suggestName returns a valid name that is close to s.
func suggestName(s string) string {
	s = strings.Map(func(r rune) rune {
		if isName("_" + string(r)) {
			return r
		}
		return '_'
	}, strings.TrimLeft(s, ":"))
	if s = strings.Trim(s, "_"); s == "" {
		return "id"
	}
	if s == strings.ToUpper(s) {
		s = strings.ToLower(s)
	}
	if s = strings.ToLower(s[:1]) + s[1:]; !isName(s) {
		return "_" + s
	}
	return s
}

// quote puts s in quotes and leaves the backslashes of a regex alone.
func quote(s string) string {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '"' || r == '\uFFFD' {
			return fmt.Sprintf("%q", s)
		}
	}
	return `"` + s + `"`
}
