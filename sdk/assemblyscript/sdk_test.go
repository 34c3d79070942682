// Package assemblyscript has only tests, of the SDK for AssemblyScript. They need
// node, and "npm ci" in this directory beforehand.
package assemblyscript

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const compiler = "node_modules/assemblyscript/bin/asc.js"

// run runs node, or skips the test where it or the compiler is missing.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	missing := func(what string) {
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node is missing; install Node.js 20 or later")
	}
	if _, err := os.Stat(filepath.FromSlash(compiler)); err != nil {
		missing("asc is missing; run \"npm ci\" in sdk/assemblyscript")
	}
	cmd := exec.Command("node", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// What npm test runs.
func TestUnits(t *testing.T) {
	out := run(t, ".", "test/run.mjs", t.TempDir())
	if !strings.Contains(out, " tests, 0 failed") {
		t.Error(out)
	}
}

// The plugin and the settings that the README shows can be built.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, made := range []string{"assembly", "node_modules"} {
		if err := os.Mkdir(filepath.Join(dir, made), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for language, file := range map[string]string{"ts": "assembly/index.ts", "json": "asconfig.json"} {
		_, rest, found := strings.Cut(string(readme), "\n```"+language+"\n")
		text, _, closed := strings.Cut(rest, "```\n")
		if !found || !closed {
			t.Fatalf("README.md shows no %s", language)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(root, filepath.Join(dir, "node_modules", "wasmlane")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, filepath.Join(root, compiler), "--outFile", "hello.wasm")
	wasm, err := os.ReadFile(filepath.Join(dir, "hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	stated := regexp.MustCompile(`this one has (\d+) KB`).FindSubmatch(readme)
	if got := (len(wasm) + 500) / 1000; stated == nil || string(stated[1]) != strconv.Itoa(got) {
		t.Errorf("README.md says %q; the plugin has %d KB", stated, got)
	}
	for _, unused := range []string{"env", "flush", "kv_get", "random_get"} {
		if strings.Contains(string(wasm), unused) {
			t.Errorf("the plugin names %q, which it does not use", unused)
		}
	}
}

// Lock files pin the one compiler and name no host to get it from.
func TestLockFiles(t *testing.T) {
	const version = "0.28.20"
	for _, dir := range []string{".", "../../examples/assemblyscript-users", "../../abi/conformance/guests/assemblyscript"} {
		for _, file := range []string{"package.json", "package-lock.json"} {
			name := filepath.Join(dir, file)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), `"assemblyscript": "`+version+`"`) {
				t.Errorf("%s does not pin assemblyscript to %s", name, version)
			}
			if strings.Contains(string(text), `"resolved": "http`) {
				t.Errorf("%s names a host; npm leaves it out with omit-lockfile-registry-resolved in .npmrc", name)
			}
		}
	}
}
