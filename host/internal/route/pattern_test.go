package route

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for line, text := range lines(t, "testdata/patterns.txt") {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			t.Fatalf("line %d: %q does not start with a quoted pattern", line, text)
		}
		source, _ := strconv.Unquote(quoted)
		verdict, want, _ := strings.Cut(strings.TrimSpace(text[len(quoted):]), " ")

		p, err := ParsePattern(source)
		switch verdict {
		case "=":
			if err != nil {
				t.Errorf("line %d: %v", line, err)
			} else if got := strings.Join(p.Names(), " "); got != want || p.String() != source {
				t.Errorf("line %d: %s has parameters %q; want %q", line, p, got, want)
			}
		case "!":
			want = quote(source) + ": " + want
			if err == nil {
				t.Errorf("line %d: no error; want\n%s", line, want)
			} else if err.Error() != want {
				t.Errorf("line %d: got\n%v\nwant\n%s", line, err, want)
			}
		default:
			t.Fatalf("line %d: %q after the pattern; want = or !", line, verdict)
		}
	}
}

func TestPatternNamesBelongToTheCaller(t *testing.T) {
	p := parse(t, "/{a}/{b}")
	p.Names()[0] = "changed"
	if got := p.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

// lines returns the lines of a case file with their numbers, without comments and
// empty ones. There must be some.
func lines(t *testing.T, file string) func(yield func(int, string) bool) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type numbered struct {
		number int
		text   string
	}
	var all []numbered
	scan := bufio.NewScanner(strings.NewReader(string(data)))
	for n := 1; scan.Scan(); n++ {
		if text := strings.TrimSpace(scan.Text()); text != "" && text[0] != '#' {
			all = append(all, numbered{n, text})
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	return func(yield func(int, string) bool) {
		for _, l := range all {
			if !yield(l.number, l.text) {
				return
			}
		}
	}
}

func parse(t testing.TB, s string) Pattern {
	t.Helper()
	p, err := ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
