//go:build !race

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wasmlane/wasmlane/abi/conformance/suite"
	"github.com/wasmlane/wasmlane/host"
)

// tinyGo builds the package in a directory with TinyGo. Unlike other programs
// that are missing, TinyGo may be missing where CI is true: it is in no package
// registry, only among the releases of its project, so that these tests run where
// somebody has installed it.
func tinyGo(t *testing.T, dir, out string) {
	t.Helper()
	tool, err := exec.LookPath("tinygo")
	if err != nil {
		t.Skip("tinygo is missing; install 0.36 or later as https://tinygo.org/getting-started/install says")
	}
	cmd := exec.Command(tool, "build", "-target=wasip1", "-buildmode=c-shared", "-no-debug", "-o", out, ".")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tinygo build in %s: %v\n%s", dir, err, text)
	}
}

func TestTinyGoHello(t *testing.T) {
	dir := t.TempDir()
	tinyGo(t, "../../examples/hello", filepath.Join(dir, "hello.wasm"))
	config := filepath.Join(dir, "host.toml")
	text := "plugin_dir = \".\"\n[store]\nbackend = \"memory\"\n[[route]]\npath = \"/{name}\"\nhandler = \"hello.hello\"\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	answer, err := host.Invoke(config, host.Invocation{
		Handler: "hello.hello",
		Path:    "/Ada",
		Params:  map[string]string{"name": "Ada"},
	}, false, host.Options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != 200 || string(answer.Body) != "Hello, Ada!\n" {
		t.Errorf("got %d %q", answer.Status, answer.Body)
	}
}

// The conformance plugin in Go passes every case when TinyGo has built it, too.
func TestTinyGoConformance(t *testing.T) {
	wasm := filepath.Join(t.TempDir(), "tinygo.wasm")
	tinyGo(t, "guests/go", wasm)
	cases, err := suite.Load(caseFiles, "cases")
	if err != nil {
		t.Fatal(err)
	}
	setup := suite.Conformance(wasm, t.TempDir())
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := setup.Play(c); err != nil {
				t.Error(err)
			}
		})
	}
}
