package wasmlane_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A plugin imports what it uses and nothing else: what it imports decides which
// grants it needs and what it costs.
func TestImports(t *testing.T) {
	base := []string{"log", "request", "set_header", "status", "write"}
	// What net/http wants to know of any request.
	web := append([]string{"add_header", "body", "body_size", "header", "header_name", "param"}, base...)
	for plugin, want := range map[string][]string{
		"minimal":    base,
		"doc":        append([]string{"kv_add", "param"}, base...),
		"everything": declared(t),
		"nethttp":    web,
		"buffered":   web,
		"streaming":  append([]string{"flush"}, web...),
	} {
		t.Run(plugin, func(t *testing.T) {
			t.Parallel()
			got := imports(t, build(t, plugin), "wasmlane_v1")
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("the plugin imports\n%v, want\n%v", got, want)
			}
		})
	}
	t.Run("reflection", func(t *testing.T) {
		t.Parallel()
		for _, name := range imports(t, build(t, "reflection"), "wasmlane_v1") {
			if name == "flush" || strings.HasPrefix(name, "kv_") || strings.HasPrefix(name, "call") {
				t.Errorf("the plugin imports %s without using it", name)
			}
		}
	})
}

// The plugins that the documentation shows are some that are built here.
func TestDocPlugin(t *testing.T) {
	for doc, plugin := range map[string]string{"doc.go": "doc", "lanehttp/doc.go": "nethttp"} {
		var comment strings.Builder
		for line := range strings.Lines(readFile(t, "testdata/plugins/"+plugin+"/main.go")) {
			comment.WriteString(strings.TrimRight("//\t"+line, "\t\n") + "\n")
		}
		if !strings.Contains(readFile(t, doc), comment.String()) {
			t.Errorf("%s does not show testdata/plugins/%s/main.go:\n%s", doc, plugin, &comment)
		}
	}
	if !strings.Contains(readFile(t, "README.md"), "\n```go\n"+readFile(t, "testdata/plugins/doc/main.go")+"```\n") {
		t.Error("README.md does not show testdata/plugins/doc/main.go")
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// declared returns the names in imports_wasip1.go.
func declared(t *testing.T) []string {
	t.Helper()
	source := readFile(t, "imports_wasip1.go")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^//go:wasmimport wasmlane_v1 (\w+)\nfunc host`).FindAllStringSubmatch(source, -1) {
		names = append(names, m[1])
	}
	if len(names) < 25 {
		t.Fatalf("found %d imports in imports_wasip1.go: %v", len(names), names)
	}
	return names
}

// build builds a plugin of testdata/plugins and returns the module.
func build(t *testing.T, plugin string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), plugin+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/plugins/"+plugin)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return []byte(readFile(t, out))
}

// imports returns the names a module imports from another, sorted.
func imports(t *testing.T, wasm []byte, from string) []string {
	t.Helper()
	const header = "\x00asm\x01\x00\x00\x00"
	r := &reader{bytes.TrimPrefix(wasm, []byte(header))}
	if len(r.rest) == len(wasm) {
		t.Fatal("not a WebAssembly module")
	}
	var names []string
	for len(r.rest) > 0 {
		id := r.take(1)[0]
		section := &reader{r.take(r.number())}
		if id != 2 {
			continue
		}
		for range section.number() {
			module, name := string(section.take(section.number())), string(section.take(section.number()))
			if kind := section.take(1)[0]; kind != 0 {
				t.Fatalf("import %s.%s is no function", module, name)
			}
			section.number() // its type
			if module == from {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// reader reads the binary format. It panics at the end: the linker's output is
// well formed.
type reader struct{ rest []byte }

func (r *reader) take(n int) []byte {
	head := r.rest[:n]
	r.rest = r.rest[n:]
	return head
}

func (r *reader) number() int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		panic(fmt.Sprintf("no number in % x", r.rest[:min(len(r.rest), 8)]))
	}
	r.rest = r.rest[size:]
	return int(n)
}
