package exchange

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestHeads(t *testing.T) {
	text, err := os.ReadFile("testdata/heads.txt")
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		block, _ := strconv.Unquote(quoted)
		want := strings.TrimSpace(line[len(quoted):])
		var h Head
		got := "ok"
		if err := h.parse([]byte(block), wireLines); err != nil {
			got = err.Error()
		} else if err := h.checkFraming(true); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("line %d: %s: %s, want %s", n+1, quoted, got, want)
		}
	}
}

func TestHTTP10NeedsNoHostAndKnowsNoChunks(t *testing.T) {
	var h Head
	if err := h.parse([]byte("X: y\r\n"), wireLines); err != nil {
		t.Fatal(err)
	}
	if err := h.checkFraming(false); err != nil {
		t.Errorf("without Host: %v", err)
	}
	if err := h.parse([]byte("Transfer-Encoding: chunked\r\n"), wireLines); err != nil {
		t.Fatal(err)
	}
	if h.checkFraming(false) == nil {
		t.Error("a chunked HTTP/1.0 request was let pass")
	}
}

func TestHeadLookups(t *testing.T) {
	var h Head
	if err := h.parse([]byte("A: 1\r\nCookie: a=b\r\nb: 2\r\na: 3\r\ncookie: c=d\r\n"), wireLines); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		index uint32
		want  string
		ok    bool
	}{
		{"a", 0, "1", true}, {"A", 1, "3", true}, {"a", 2, "", false}, {"a", 1 << 31, "", false},
		{"COOKIE", 0, "a=b", true}, {"Cookie", 1, "c=d", true}, {"", 0, "", false}, {"c", 0, "", false},
	} {
		got, ok := h.get([]byte(c.name), c.index)
		if string(got) != c.want || ok != c.ok {
			t.Errorf("get(%q, %d) = %q, %v", c.name, c.index, got, ok)
		}
	}
	var names []string
	for i := uint32(0); ; i++ {
		name, ok := h.name(i)
		if !ok {
			break
		}
		names = append(names, string(name))
	}
	if got := strings.Join(names, " "); got != "a cookie b" {
		t.Errorf("names: %s", got)
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte("Host: h\r\nX: y\r\n\r\n"))
	f.Add([]byte("A:b\n c:d\n\n"))
	f.Fuzz(func(t *testing.T, block []byte) {
		var h Head
		if h.parse(block, wireLines) != nil {
			return
		}
		for i, field := range h.fields {
			if !isToken(field.name) || !isFieldValue(field.value) {
				t.Fatalf("field %d: %q: %q was let pass", i, field.name, field.value)
			}
			if _, ok := h.get(field.name, 0); !ok {
				t.Fatalf("field %q is not found", field.name)
			}
		}
	})
}
