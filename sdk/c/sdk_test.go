// Package c has only tests: those of wasmlane.h.
package c

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/abi/conformance/suite"
)

// TestUnits runs testdata/unit.c natively, with the compiler's checks of memory
// where it has them.
func TestUnits(t *testing.T) {
	compiler := ""
	for _, name := range []string{"cc", "gcc", "clang"} {
		if path, err := exec.LookPath(name); err == nil && compiler == "" {
			compiler = path
		}
	}
	if compiler == "" {
		missing(t, "a C compiler is missing; install it, for example with: apt-get install gcc libc6-dev")
	}
	program := filepath.Join(t.TempDir(), "unit")
	flags := []string{"-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-I.", "-o", program, filepath.FromSlash("testdata/unit.c")}
	if _, err := exec.Command(compiler, append([]string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all"}, flags...)...).CombinedOutput(); err != nil {
		if out, err := exec.Command(compiler, flags...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if out, err := exec.Command(program).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// The programs that README.md shows build and do what it says. What is fenced as
// C there is a whole file, called by its first line.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	header, err := os.ReadFile("wasmlane.h")
	if err != nil {
		t.Fatal(err)
	}
	programs := make(map[string]string)
	for i, text := range strings.Split(string(readme), "\n```c\n") {
		code, _, _ := strings.Cut(text, "\n```")
		if name, ok := strings.CutPrefix(code, "/* "); i > 0 && ok {
			name, _, _ = strings.Cut(name, ":")
			programs[name] = code + "\n"
		}
	}
	for _, name := range []string{"hello.c", "raw.c"} {
		t.Run(name, func(t *testing.T) {
			code, ok := programs[name]
			if !ok {
				t.Fatalf("README.md shows no program that begins with \"/* %s:\"", name)
			}
			dir := t.TempDir()
			if strings.Contains(code, "wasmlane.h") {
				write(t, filepath.Join(dir, "wasmlane.h"), header)
			} else if lines := strings.Count(code, "\n"); lines > 20 {
				t.Errorf("%s has %d lines; the README promises 20", name, lines)
			}
			write(t, filepath.Join(dir, name), []byte(code))
			greets(t, suite.BuildForTest(t, dir))
		})
	}
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func greets(t *testing.T, wasm string) {
	t.Helper()
	setup := &suite.Setup{
		Plugins: map[string]string{"hello": wasm},
		Cache:   t.TempDir(),
		Tables:  "[[route]]\npath = \"/hello/{name}\"\nhandler = \"hello.hello\"\n",
	}
	c, err := suite.Parse("hello", "> GET /hello/Ada%20L.\n< 200\nraw \"Hello, Ada L.!\\n\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := setup.Play(c); err != nil {
		t.Error(err)
	}
}

// A plugin may be C++, and of several files.
func TestHeaderInCPlusPlus(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "plugin.cc")
	write(t, file, []byte("#include \"wasmlane.h\"\nWASMLANE_INIT {}\nWASMLANE_HANDLER(hello) {\n\twl_json j = {};\n\twl_json_text(&j, WL(\"x\"));\n\twl_answer_json(200, &j);\n}\n"))
	clang := ""
	for _, name := range []string{"clang++", "clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"} {
		if path, err := exec.LookPath(name); err == nil && clang == "" {
			clang = path
		}
	}
	if clang == "" {
		missing(t, "clang is missing; install it, for example with: apt-get install clang-19 lld-19")
	}
	out, err := exec.Command(clang, "--target=wasm32", "-x", "c++", "-std=c++17", "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory",
		"-Wall", "-Wextra", "-Werror", "-I.", "-c", "-o", filepath.Join(dir, "plugin.o"), file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
