package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// syntaxError explains why text is no TOML: the library's words where they
// help, and what to write instead where the text shows what was meant.
//
// Values are never shown, since any could be a secret, and so the library's
// words are not used where they quote one.
func (c *Config) syntaxError(text string, found *scanner, err error) Error {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return c.Error(0, "", "no valid TOML, and the parser cannot say where; undo the last change")
	}
	line, end := position(text, pe)
	if len(found.twice) > 0 && found.twice[0].line <= line {
		return c.redefined(found.twice[0])
	}
	if found.open > 0 && end+1 >= len(strings.TrimRight(text, " \t\r\n")) {
		return c.Error(found.open, toml.Key(scan(text[:end]).last.key).String(),
			"no valid TOML: the string, list or inline table that begins here is never closed")
	}

	upTo := text
	if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
		upTo = text[:end+i]
	}
	last := scan(upTo).last
	key := toml.Key(last.key).String()
	source := upTo[min(last.pos, len(upTo)):]
	message, advice := oneLine(pe.Message), ""
	if last.line > 0 && !strings.Contains(source, "\x00") {
		advice = advise(source, last.header)
	}
	switch _, value, _ := strings.Cut(source, "="); {
	case len(last.key) > 0 && (secret(last.key) || startsWithLetter(strings.TrimSpace(value))):
		message = "this is no value"
		if advice == "" {
			advice = "write it in double quotes, on one line"
		}
	case last.line > 0 && last.line < line && advice == "":
		return c.Error(line, key, "no valid TOML: %s; what is wrong may have begun in line %d", message, last.line)
	}
	if advice != "" {
		message += "; " + advice
	}
	return c.Error(line, key, "no valid TOML: %s", message)
}

// position returns the line of the error, 1-based, and the offset where it
// ends. The library's own line is one too large when the error is the line's
// end, and 0 at the end of some texts.
func position(text string, pe toml.ParseError) (line, end int) {
	end = pe.Position.Start + max(pe.Position.Len, 1) - 1
	end = max(0, min(end, len(text)))
	return 1 + strings.Count(text[:end], "\n"), end
}

func (c *Config) redefined(r redefined) Error {
	key := toml.Key(r.key).String()
	if r.header {
		return c.Error(r.line, key, "stands a second time, first in line %d; move these keys there", r.first)
	}
	return c.Error(r.line, key, "set a second time, first in line %d; keep one of the two", r.first)
}

// advise guesses from the source of a header or a key what was meant.
func advise(source string, header bool) string {
	source, _, _ = strings.Cut(source, "\n")
	source = strings.TrimSpace(source)
	if header {
		if !strings.Contains(source, "]") {
			return `close the header with "]"`
		}
		return `write a header as [name] or [[name]], alone on its line`
	}
	key, value, assigned := strings.Cut(source, "=")
	value = strings.TrimSpace(value)
	if bare, _, ok := strings.Cut(value, "#"); ok && !strings.ContainsAny(bare, `"'`) {
		value = strings.TrimSpace(bare)
	}
	switch {
	case !assigned && strings.Contains(key, ":"):
		return `write key = "value"; TOML has no ":"`
	case !assigned:
		return `write key = "value", or start a comment with "#"`
	case value == "":
		return "write a value after the ="
	case startsWithLetter(value):
		word, _, _ := strings.Cut(strings.ToLower(value), " ")
		if slices.Contains([]string{"yes", "no", "on", "off", "true", "false", "enabled", "disabled"}, word) {
			return `write true or false in lower case, or text in double quotes`
		}
		return "write text in double quotes"
	case strings.Contains(value, `\`) && value[0] == '"':
		return `write each \ twice, or the text in single quotes`
	case value[0] >= '0' && value[0] <= '9' && strings.ContainsFunc(value, notNumeric):
		return "write anything but a plain number in double quotes"
	case strings.IndexByte("\"'[{+-0123456789", value[0]) < 0:
		return "write text in double quotes"
	case value[0] == '"' && strings.Count(value, `"`) == 1, value[0] == '\'' && strings.Count(value, "'") == 1:
		return "close the quote on the same line"
	}
	return ""
}

// secret reports whether the value of the key must never be shown.
func secret(key []string) bool {
	if len(key) > 3 && key[0] == "plugin" && key[2] == "config" {
		return true
	}
	last := strings.ToLower(key[len(key)-1])
	return slices.ContainsFunc([]string{"token", "secret", "password", "key", "url"}, func(word string) bool {
		return strings.Contains(last, word)
	})
}

func startsWithLetter(s string) bool {
	return s != "" && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z' || s[0] >= 0x80)
}

// notNumeric reports whether r is neither part of a number nor of a date.
func notNumeric(r rune) bool { return !strings.ContainsRune("0123456789_-+.", r) }

// oneLine makes a message of the library fit on one line of a log.
func oneLine(s string) string {
	s = strings.NewReplacer(`'\r'`, "the end of the line", `'\n'`, "the end of the line").Replace(s)
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, s)
}
