package config

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// For random valid TOML in every syntax, the scanner finds the line that the
// generator wrote each key and each element on.
func TestScanRandom(t *testing.T) {
	for seed := range uint64(3000) {
		g := &generator{r: rand.New(rand.NewPCG(seed, 1)), line: 1, want: map[string]int{}}
		g.document()
		text := g.b.String()
		var values map[string]any
		if err := toml.Unmarshal([]byte(text), &values); err != nil {
			t.Fatalf("seed %d is no TOML: %v\n%s", seed, err, text)
		}
		s := scan(text)
		covers(t, text, s)
		got := map[string]int{}
		flatten(s.root, "", got)
		for path, line := range g.want {
			if got[path] != line {
				t.Errorf("seed %d: %s is in line %d, got %d\n%s", seed, path, line, got[path], text)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func FuzzScan(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		covers(t, text, scan(text))
	})
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, errs := Parse("host.toml", []byte(text))
		if c == nil && len(errs) != 1 {
			t.Fatalf("no Config and %d errors", len(errs))
		}
		last := 0
		for _, e := range errs {
			if e.Line < last || e.Line > 1+strings.Count(text, "\n") {
				t.Errorf("line %d after %d: %v", e.Line, last, e)
			}
			last = e.Line
			if strings.ContainsAny(e.Message, "\n\r") || e.Message == "" {
				t.Errorf("not one line: %q", e.Message)
			}
		}
		if _, again := Parse("host.toml", []byte(text)); again.Error() != errs.Error() {
			t.Errorf("first\n%v\nthen\n%v", errs, again)
		}
	})
}

func seeds(f *testing.F) {
	for _, pattern := range []string{"testdata/errors/*.toml", "testdata/valid/*.toml"} {
		files, err := os.ReadDir(pattern[:strings.LastIndex(pattern, "/")])
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file.Name(), ".toml") {
				data, err := os.ReadFile(pattern[:strings.LastIndex(pattern, "/")+1] + file.Name())
				if err != nil {
					f.Fatal(err)
				}
				f.Add(string(data))
			}
		}
	}
	for seed := range uint64(20) {
		g := &generator{r: rand.New(rand.NewPCG(seed, 2)), line: 1, want: map[string]int{}}
		g.document()
		f.Add(g.b.String())
	}
}

// covers fails unless every key that the library decodes has a line. Text that
// is no TOML passes.
func covers(t *testing.T, text string, s *scanner) {
	t.Helper()
	if s.deep > 0 || strings.HasPrefix(text, "\xef\xbb\xbf") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return
	}
	values := map[string]any{}
	if unmarshal(text, &values) != nil {
		return
	}
	if len(s.twice) > 0 || s.open > 0 {
		t.Errorf("in valid TOML, %v stands twice and line %d is open", s.twice, s.open)
	}
	last := 1 + strings.Count(text, "\n")
	var walk func(path string, v any, n *node)
	walk = func(path string, v any, n *node) {
		if n == nil || path != "" && (n.line < 1 || n.line > last) {
			t.Fatalf("%s has no line\n%q", path, text)
		}
		switch v := v.(type) {
		case map[string]any:
			for key, v := range v {
				// Under the key "" the library confuses lists: it decodes
				// "[0]\n''=['',{}]" with one element.
				if key != "" {
					walk(path+"."+key, v, n.keys[key])
				}
			}
			if len(n.keys) != len(v) {
				t.Errorf("%s has %d keys, found %d\n%q", path, len(v), len(n.keys), text)
			}
		case []map[string]any:
			for i := range v {
				walk(path+"["+strconv.Itoa(i)+"]", v[i], elem(n, i, len(v)))
			}
		case []any:
			for i := range v {
				walk(path+"["+strconv.Itoa(i)+"]", v[i], elem(n, i, len(v)))
			}
		}
	}
	walk("", values, s.root)
}

func elem(n *node, i, count int) *node {
	if len(n.elems) != count {
		return nil
	}
	return n.elems[i]
}

func flatten(n *node, path string, lines map[string]int) {
	lines[path] = n.line
	for key, c := range n.keys {
		flatten(c, path+"."+key, lines)
	}
	for i, c := range n.elems {
		flatten(c, path+"["+strconv.Itoa(i)+"]", lines)
	}
}

// A generator writes valid TOML and notes the lines of what it writes.
type generator struct {
	r    *rand.Rand
	b    strings.Builder
	line int
	n    int // makes names unique
	want map[string]int
}

func (g *generator) write(s string) {
	g.b.WriteString(s)
	g.line += strings.Count(s, "\n")
}

func (g *generator) pick(options ...string) string { return options[g.r.IntN(len(options))] }

// name returns a new name and one way to write it.
func (g *generator) name() (name, source string) {
	g.n++
	n := strconv.Itoa(g.n)
	switch g.r.IntN(6) {
	case 0:
		return "k =." + n, `"k =.` + n + `"`
	case 1:
		return `k#\"` + n, `'k#\"` + n + `'`
	case 2:
		return "é\n\"A\x1b\\" + n, `"\u00e9\n\"\U00000041\e\\` + n + `"`
	case 3:
		return n, n
	}
	return "k-" + n, "k-" + n
}

func (g *generator) space() string   { return g.pick("", "", " ", "\t", "  ") }
func (g *generator) newline() string { return g.pick("\n", "\r\n") }
func (g *generator) comment() string {
	return g.pick("", "", "# plain", "#", `# "quote`, "# ''' [x] = {", `# """`, "# é\\")
}

// breaks returns what may stand between the items of a list.
func (g *generator) breaks() string {
	if g.r.IntN(2) == 0 {
		return g.space()
	}
	return g.space() + g.comment() + g.newline() + g.space()
}

func (g *generator) document() {
	for range g.r.IntN(4) {
		g.assign("", 0)
	}
	var arrays []string // sources of [[…]] headers, to write again
	paths, counts := map[string]string{}, map[string]int{}
	for range g.r.IntN(6) {
		g.write(g.comment() + g.newline() + g.space())
		var path string
		switch name, source := g.name(); g.r.IntN(4) {
		case 0: // [a.b], a on the way
			path = "." + name
			g.want[path] = g.line
			inner, innerSource := g.name()
			path += "." + inner
			g.want[path] = g.line
			g.write("[" + source + g.space() + "." + g.space() + innerSource + "]")
		case 1: // [[a]], new or again, sometimes with [a.b] in its last element
			if len(arrays) > 0 && g.r.IntN(2) == 0 {
				source = arrays[g.r.IntN(len(arrays))]
			} else {
				arrays = append(arrays, source)
				paths[source] = "." + name
				g.want["."+name] = g.line
			}
			path = fmt.Sprintf("%s[%d]", paths[source], counts[source])
			counts[source]++
			g.want[path] = g.line
			g.write("[[" + g.space() + source + g.space() + "]]")
			if g.r.IntN(2) == 0 {
				g.write(g.newline())
				g.assign(path, 0)
				inner, innerSource := g.name()
				path += "." + inner
				g.want[path] = g.line
				g.write("[" + source + "." + innerSource + "]")
			}
		default:
			path = "." + name
			g.want[path] = g.line
			g.write("[" + g.space() + source + g.space() + "]")
		}
		g.write(g.space() + g.comment() + g.newline())
		for range g.r.IntN(5) {
			g.write(g.pick("", "", g.newline(), g.comment()+g.newline()))
			g.assign(path, 0)
		}
	}
}

// assign writes "key = value" and, outside inline tables, the line's end.
func (g *generator) assign(path string, depth int) {
	g.write(g.space())
	for range 1 + g.r.IntN(2)*g.r.IntN(3) {
		name, source := g.name()
		path += "." + name
		g.want[path] = g.line
		g.write(source + g.space() + ".")
	}
	text := g.b.String() // the last dot was one too many
	g.b.Reset()
	g.b.WriteString(strings.TrimSuffix(text, "."))
	g.write("=" + g.space())
	g.value(path, depth)
	if depth == 0 {
		g.write(g.space() + g.comment() + g.newline())
	}
}

func (g *generator) value(path string, depth int) {
	kind := g.r.IntN(8)
	if depth > 3 {
		kind = g.r.IntN(5)
	}
	switch kind {
	case 0:
		g.write(g.pick("1", "-17", "0x1F", "1_000", "1.5e3", "inf", "true", "false", "1979-05-27 07:32:00", "1979-05-27T07:32:00Z", "07:32:00"))
	case 1:
		g.write(g.pick(`""`, `"a # b"`, `"\"] = {\\"`, `"\u00e9\U0001F600"`, `"''' it's"`, `"\\"`))
	case 2:
		g.write(g.pick(`''`, `'a # b'`, `'\'`, `'"] = {'`, `'"""'`))
	case 3:
		g.write(g.pick(`""""""`, "\"\"\"\na = 1\n[x]\n\"\"\"", "\"\"\"a\"\" b\\\"\"\"\"\"\"", "\"\"\"\\\n  \\\r\n x\"\"\"", `"""""two"""""`, "\"\"\"\\\\\"\"\""))
	case 4:
		g.write(g.pick(`''''''`, "'''\na = 1\n[x]\n'''", "'''\\'''", "'''a''b'''''", "'''\r\n\"\"\"'''"))
	case 5, 6:
		g.write("[" + g.breaks())
		for i := range g.r.IntN(4) {
			if i > 0 {
				g.write("," + g.breaks())
			}
			path := fmt.Sprintf("%s[%d]", path, i)
			g.want[path] = g.line
			g.value(path, depth+1)
			g.write(g.breaks())
		}
		g.write("]")
	case 7:
		g.write("{" + g.breaks())
		for i := range g.r.IntN(4) {
			if i > 0 {
				g.write("," + g.breaks())
			}
			g.assign(path, depth+1)
			g.write(g.breaks())
		}
		g.write("}")
	}
}
