package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// How words are read and results are written.

// decode returns what a word of a script stands for.
func decode(word string) (text string, ok bool) {
	if word == `""` {
		return "", true
	}
	if digits, many := strings.CutPrefix(word, "*"); many {
		if n, ok := number(digits); ok {
			return strings.Repeat("x", n), true
		}
	}
	text, err := url.PathUnescape(word)
	return text, err == nil && word != ""
}

// number reads a word that is a number.
func number(word string) (n int, ok bool) {
	u, err := strconv.ParseUint(word, 10, 31)
	return int(u), err == nil
}

// encode writes bytes as a result.
func encode(value string) string {
	if value == "" {
		return `""`
	}
	if len(value) > 256 {
		hash := fnv.New32a()
		hash.Write([]byte(value))
		return fmt.Sprintf("*%d:%08x", len(value), hash.Sum32())
	}
	var b strings.Builder
	for _, c := range []byte(value) {
		letter := 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if letter || strings.IndexByte("-._~/:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// failure writes an error of the host as a result.
func failure(err error) string {
	for name, sentinel := range map[string]error{
		"!ABSENT":      wasmlane.ErrAbsent,
		"!INVALID":     wasmlane.ErrInvalid,
		"!DENIED":      wasmlane.ErrDenied,
		"!TIMEOUT":     wasmlane.ErrTimeout,
		"!UNAVAILABLE": wasmlane.ErrUnavailable,
		"!TOO_LARGE":   wasmlane.ErrTooLarge,
		"!CLOSED":      wasmlane.ErrClosed,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return "!" + encode(err.Error()) // no case expects it: the SDK lacks an error
}

func okOr(err error) string {
	if err != nil {
		return failure(err)
	}
	return "ok"
}

func bytesOr(value []byte, err error) string {
	if err != nil {
		return failure(err)
	}
	return encode(string(value))
}

func numberOr(n int64, err error) string {
	if err != nil {
		return failure(err)
	}
	return strconv.FormatInt(n, 10)
}

func boolOr(yes bool, err error) string {
	if err == nil && yes {
		return "1"
	}
	return numberOr(0, err)
}

// textOr is for what is there or is not.
func textOr(value string, ok bool) string {
	if !ok {
		return failure(wasmlane.ErrAbsent)
	}
	return encode(value)
}

// at is for the index-th of several values.
func at(values []string, index string) string {
	i, ok := number(index)
	switch {
	case !ok:
		return malformed
	case i >= len(values):
		return textOr("", false)
	}
	return encode(values[i])
}

func config(key string) string { return textOr(wasmlane.Config(key)) }
