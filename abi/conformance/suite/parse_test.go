package suite

import (
	"strings"
	"testing"
)

// What is wrong with a case is said with its line.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "bad.txt: it does nothing",
		"# about\n":                           "bad.txt: it does nothing",
		"> GET\n":                             "bad.txt:1: \"GET\" is no request",
		"> GET /run\n| body\n":                "bad.txt:1: no answer is expected",
		"> GET /run\n< 20\n":                  "bad.txt:2: \"20\" is no answer",
		"> GET /run\n< 200\njson {\n":         "bad.txt:3: { is no JSON",
		"> GET /run\n< 200\nraw \"\n":         "bad.txt:3: \" is not quoted",
		"> GET /run\nbudy x\n< 200\n":         "bad.txt:2: unknown word \"budy\"",
		"tolm a = 1\n> GET /run\n< 200\n":     "bad.txt:1: unknown word \"tolm\"",
		"toml a\n> GET /run\n< 200\n":         "bad.txt:1: \"a\" is no line of host.toml",
		"proves\n> GET /run\n< 200\n":         "bad.txt:1: proves what?",
		"log loud text\n> GET /run\n< 200\n":  "bad.txt:1: \"loud text\" is no line of the log",
		"break wind\n> GET /run\n< 200\n":     "bad.txt:1: \"wind\" cannot be broken",
		"> GET /run\n< 200\nrestart\n= a\n":   "bad.txt:4: \"=\" belongs to a request",
		" > GET /run\n< 200\n":                "bad.txt:1: a line begins with a space",
		"> GET /run\n| body\n> X: y\n< 200\n": "headers come right after it",
	} {
		_, err := Parse("bad", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// A script's results for long values are as the plugins write them.
func TestResult(t *testing.T) {
	for bytes, want := range map[string]string{
		"":                       `""`,
		"aZ09-._~/:":             "aZ09-._~/:",
		"a b%\x00\xff\"*":        "a%20b%25%00%FF%22%2A",
		strings.Repeat("x", 256): strings.Repeat("x", 256),
		strings.Repeat("x", 257): "*257:0b416c87",
	} {
		if got := Result([]byte(bytes)); got != want {
			t.Errorf("%q is %s; want %s", bytes, got, want)
		}
	}
}
