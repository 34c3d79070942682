package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
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
