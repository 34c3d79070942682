package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directory makes one with these files; a name may be followed by "=" and a content.
func directory(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		name, content, _ := strings.Cut(file, "=")
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const withAssemblyScript = `package.json={"name": "users", "devDependencies": {"assemblyscript": "0.28.20"}}`

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		files string // separated by ";"
		want  Language
	}{
		{"go.mod;main.go", Go},
		{"main.go;main_test.go", Go},
		{"Cargo.toml;src/lib.rs", Rust},
		{withAssemblyScript + ";assembly/index.ts", AssemblyScript},
		{`package.json={"dependencies": {"assemblyscript": "*"}}`, AssemblyScript},
		{"build.zig;build.zig.zon;src/main.zig", Zig},
		{"main.zig;wasmlane.zig", Zig},
		{"plugin.c;wasmlane.h", C},
		// A manifest decides, whatever lies beside it.
		{"Cargo.toml;shim.c", Rust},
		{`go.mod;package.json={"devDependencies": {"prettier": "3"}};tool.c`, Go},
		{"main.c;sub/main.zig", C},
	} {
		got, err := Detect(directory(t, strings.Split(c.files, ";")...))
		if got != c.want || err != nil {
			t.Errorf("%s: %q %v, want %q", c.files, got, err, c.want)
		}
	}
}

func TestDetectErrors(t *testing.T) {
	for _, c := range []struct{ files, want string }{
		{"", "there is no file in it; \"wasmlane new NAME\" writes a plugin to start from"},
		{"README.md", "there is no plugin to build: no go.mod, Cargo.toml, package.json or build.zig, no *.c, *.zig or *.go"},
		{"go.mod;Cargo.toml", "Cargo.toml is of Rust and go.mod of Go; say with -lang rust or -lang go which one to build"},
		{"a.c;b.zig", "a.c is of C and b.zig of Zig; say with -lang c or -lang zig which one to build"},
		{`package.json={"dependencies": {}}`, "npm install --save-dev assemblyscript"},
		{"package.json={", "package.json: "},
		{"lib.rs", "there are Rust sources but no Cargo.toml; write one with cargo init --lib"},
		{"index.ts", "there are TypeScript sources but no package.json"},
		{"plugin.cpp", "there are C++ sources and none of a language that can be built here"},
		{"plugin.wasm", "there is WebAssembly but nothing to build it from"},
		{"wasmlane.zig", "there is no plugin to build"}, // the SDK alone
	} {
		var files []string
		if c.files != "" {
			files = strings.Split(c.files, ";")
		}
		dir := directory(t, files...)
		wantError(t, errOf(Detect(dir)), dir+": ", c.want)
	}
	file := filepath.Join(directory(t, "main.c"), "main.c")
	wantError(t, errOf(Detect(file)), file+": not a directory; name the one that the plugin's sources are in")
	wantError(t, errOf(Detect(file+"x")), file+`x: no such directory; "wasmlane new" writes one`)
}

func TestParseLanguage(t *testing.T) {
	for text, want := range map[string]Language{
		"go": Go, "Go": Go, "golang": Go, "c": C, "C": C, "rust": Rust, "rs": Rust,
		"as": AssemblyScript, "AssemblyScript": AssemblyScript, "zig": Zig,
	} {
		if got, err := ParseLanguage(text); got != want || err != nil {
			t.Errorf("%s: %q %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":           `there is no language ""; write one of go, c, rust, as, zig`,
		"python":     `there is no language "python"; write one of go, c, rust, as, zig`,
		"c++":        "there is no SDK for C++; C is -lang c",
		"typescript": "there is no SDK for typescript; AssemblyScript, which looks like TypeScript, is -lang as",
	} {
		wantError(t, errOf(ParseLanguage(text)), want)
	}
}

func errOf[T any](_ T, err error) error { return err }

// wantError checks that an error is there and has these texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", texts)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is\n%v\nwithout %s", err, text)
		}
	}
}
