package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

func TestBuild(t *testing.T) {
	hello := filepath.Join(repository, "examples", "hello")
	look(t, hello)
	look(t, filepath.Join(repository, "sdk", "go"))
	out := t.TempDir()
	file := filepath.Join(out, "hello.wasm")
	r := wasmlane(t, "build", hello, "-o", out).exits(exitOK).says(file+": Go, ", " bytes\n  handlers: hello\n")
	if strings.Contains(r.stdout, "host.toml") || r.stderr != "" {
		t.Errorf("it needs no grant, and there is nothing to warn of:\n%s%s", r.stdout, r.stderr)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	// A name that is no plugin's, and none of a module.
	named := filepath.Join(out, "Hello.wasm")
	wasmlane(t, "build", hello, "-o", named).exits(exitOK).
		complains("wasmlane: warning: " + named + `: "Hello" is no name of a plugin; write "hello"; the file's name is the plugin's` + "\n")
	named = filepath.Join(out, "hello.bin")
	wasmlane(t, "build", hello, "-o", named).exits(exitOK).complains("a host takes up files that end in .wasm only")
}

func TestBuildErrors(t *testing.T) {
	dir := t.TempDir()
	wasmlane(t, "build", dir).exits(exitFailed).complains("wasmlane: " + dir + ": there is no file in it")
	wasmlane(t, "build", dir, "-lang", "c").exits(exitFailed).complains("wasmlane: " + dir + ": there is no *.c\n")
	wasmlane(t, "build", dir, "-lang", "cobol").exits(exitUsage).complains(`-lang: there is no language "cobol"`)
	wasmlane(t, "build", dir, "-o").exits(exitUsage).complains("-o")
	for name, text := range map[string]string{"go.mod": "module example.com/broken\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() { nonsense }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What the compiler says goes through as it is.
	wasmlane(t, "build", dir).exits(exitFailed).
		complains("\n./main.go:3:15: undefined: nonsense\n", "\nwasmlane: "+dir+": the compiler failed (go: exit status 1)\n")
}

// A crate without the SDK: what is found is a rustc that has the target, and the
// module among all that cargo makes. The name is that of the package.
func TestBuildRust(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Cargo.toml": "[package]\nname = \"my-plugin\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n",
		"src/lib.rs": "#[no_mangle]\npub extern \"C\" fn greet() {}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := wasmlane(t, "build", dir)
	r.needs(toolchain.Rust)
	r.exits(exitOK).says(filepath.Join(dir, "my-plugin.wasm")+": Rust, ", "handlers: greet\n")
}

// What a host would refuse is said at once.
func TestBuildWarnings(t *testing.T) {
	m := wasmtest.New().Memory(1, 4)
	m.Import("env", "now", nil, wasmtest.Type{wasmtest.I64})
	m.Export("goodbye", wasmtest.KindFunc, m.Func(wasmtest.Type{wasmtest.I32}, nil, nil))
	file := write(t, "small.wasm", m.Bytes())
	module, err := host.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(warnings(file, module), "\n")
	for _, want := range []string{
		`this host would not load it: the module imports "env.now"`,
		"it exports no handler, so that no route can run it; goodbye (i32) is no handler, one takes nothing and returns nothing",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the warnings are\n%s\nwithout %s", got, want)
		}
	}
}

// needs skips the test when the build says that the compiler of a language is not
// installed.
func (r result) needs(l toolchain.Language) {
	r.t.Helper()
	for _, text := range []string{l.Install(), "rustup target add", "has no linker for WebAssembly", "has no wasm-ld to link with"} {
		if strings.Contains(r.stderr, text) {
			lacking(r.t, r.stderr)
		}
	}
}

// lacking skips a test for want of a program. Where everything is meant to be
// installed that is a failure.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no " + what)
	}
	t.Skip("there is no " + what)
}
