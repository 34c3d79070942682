package suite

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// expand returns what a value in a case stands for: "…" is quoted as in Go, *N is
// N times "x", and anything else is itself.
func expand(text string) (string, error) {
	if n, ok := repeated(text); ok {
		return strings.Repeat("x", n), nil
	}
	if strings.HasPrefix(text, `"`) {
		value, err := strconv.Unquote(text)
		if err != nil {
			return "", fmt.Errorf("%s is not quoted as in Go", text)
		}
		return value, nil
	}
	return text, nil
}

func repeated(text string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(text, "*")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0
}

// results replaces each word *N of a line by what a plugin writes for N times "x".
func results(line string) string {
	words := strings.Split(line, " ")
	for i, word := range words {
		if n, ok := repeated(word); ok {
			words[i] = Result([]byte(strings.Repeat("x", n)))
		}
	}
	return strings.Join(words, " ")
}

// Result returns bytes as a conformance plugin writes them.
func Result(b []byte) string {
	if len(b) == 0 {
		return `""`
	}
	if len(b) > 256 {
		hash := fnv.New32a()
		hash.Write(b)
		return fmt.Sprintf("*%d:%08x", len(b), hash.Sum32())
	}
	var text strings.Builder
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~/:", c) >= 0:
			text.WriteByte(c)
		default:
			fmt.Fprintf(&text, "%%%02X", c)
		}
	}
	return text.String()
}
