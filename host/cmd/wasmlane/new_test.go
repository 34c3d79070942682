//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/scaffold"
	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

// Each template is written, tested in its own way, built, and served with the
// host.toml that came with it.
func TestNew(t *testing.T) {
	for _, l := range scaffold.Languages() {
		t.Run(l.Flag(), func(t *testing.T) {
			t.Parallel()
			look(t, filepath.Join(repository, "sdk"))
			s := &site{t, t.TempDir()}
			dir := s.path("my-greeter")
			newPlugin(t, l, dir)
			prepare(t, l, dir)
			r := wasmlane(t, "build", dir)
			r.needs(l)
			file := filepath.Join(dir, "my-greeter.wasm")
			r.exits(exitOK).says(file+": "+l.String()+", ", "handlers: greet\n", "    [plugin.my-greeter]\n    store = \"my-greeter\"\n")
			if r.stderr != "" && l != toolchain.Rust { // cargo tells what it compiles
				t.Errorf("the build says\n%s", r.stderr)
			}
			unitTest(t, l, dir)
			buildsByHand(t, l, dir)
			greets(s, dir)
		})
	}
}

func newPlugin(t *testing.T, l toolchain.Language, dir string) {
	t.Helper()
	args := []string{"new", dir, "-lang", l.Flag()}
	if l == toolchain.Go {
		args = append(args, "-sdk", repository)
	}
	wasmlane(t, args...).exits(exitOK).says(
		dir+": a plugin in "+l.String()+". Next:\n",
		"  wasmlane build "+dir+"\n",
		"  wasmlane run -c "+filepath.Join(dir, "host.toml")+"\n",
		"  curl http://127.0.0.1:8001/my-greeter/Ada\n",
		"  [plugin.my-greeter]\n  store = \"my-greeter\"\n\n  [[route]]\n",
		"  handler = \"my-greeter.greet\"\n")
}

// prepare does what "npm install" would, without a network: the compiler is the one
// that the SDK's own tests have installed.
func prepare(t *testing.T, l toolchain.Language, dir string) {
	t.Helper()
	if l != toolchain.AssemblyScript {
		return
	}
	installed, err := filepath.Abs(filepath.Join(repository, "sdk", "assemblyscript", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(installed, "assemblyscript")); err != nil {
		lacking(t, "AssemblyScript; install it: (cd sdk/assemblyscript && npm ci)")
	}
	modules := filepath.Join(dir, "node_modules")
	if err := os.MkdirAll(filepath.Join(modules, ".bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"assemblyscript": filepath.Join(installed, "assemblyscript"),
		"wasmlane":       filepath.Join("..", "wasmlane"),
		".bin/asc":       filepath.Join(installed, "assemblyscript", "bin", "asc.js"),
	} {
		if err := os.Symlink(to, filepath.Join(modules, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// unitTest runs the tests that the template has.
func unitTest(t *testing.T, l toolchain.Language, dir string) {
	t.Helper()
	command, ok := map[toolchain.Language]string{toolchain.Go: "go test ./...", toolchain.Rust: "cargo test --offline --quiet"}[l]
	if !ok {
		return
	}
	words := strings.Fields(command)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", cmd, err, out)
	}
}

// buildsByHand runs the build command in the README, where the program has the name
// that it has there: what comes out is the same, byte for byte.
func buildsByHand(t *testing.T, l toolchain.Language, dir string) {
	t.Helper()
	program := map[toolchain.Language]string{toolchain.Go: "go", toolchain.C: "clang", toolchain.AssemblyScript: "npm", toolchain.Zig: "zig"}[l]
	if _, err := exec.LookPath(program); err != nil {
		return // cargo leaves its module in target/
	}
	blocks := strings.Split(read(t, filepath.Join(dir, "README.md")), "```")
	file := filepath.Join(dir, "my-greeter.wasm")
	before := read(t, file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", strings.TrimPrefix(blocks[3], "sh\n"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	if after := read(t, file); after != before {
		t.Errorf("the command of README.md makes %d bytes, and wasmlane build %d", len(after), len(before))
	}
}

// greets serves the plugin with its host.toml; only the addresses are others.
func greets(s *site, dir string) {
	s.t.Helper()
	s.dir = dir
	s.edit(`"127.0.0.1:8001"`, `"127.0.0.1:0"`, `"127.0.0.1:9001"`, `"127.0.0.1:0"`)
	p := s.start()
	for visits := 1; visits <= 2; visits++ {
		var got struct {
			Hello  string
			Visits int
		}
		answer := p.get("/my-greeter/Ada").want(200)
		if err := json.Unmarshal([]byte(answer.body), &got); err != nil || got.Hello != "Ada" || got.Visits != visits {
			s.t.Errorf("visit %d: %s %v", visits, answer.body, err)
		}
	}
	p.get("/my-greeter/"+strings.Repeat("x", 101)).refused(400, "the name may have at most 100 bytes")
	p.stop()
}

func TestNewGoIsTheDefault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "greeter")
	r := wasmlane(t, "new", dir).exits(exitOK)
	// Outside of a checkout the go command fetches the SDK.
	r.says("a plugin in Go", "  (cd "+dir+" && go mod tidy)\n  wasmlane build ")
	if got, want := read(t, filepath.Join(dir, "go.mod")), "module example.com/greeter\n\ngo 1.24\n"; got != want {
		t.Errorf("go.mod is %q, want %q", got, want)
	}
	if text := read(t, filepath.Join(dir, "README.md")); !strings.Contains(text, "\ngo mod tidy\nwasmlane build\n") {
		t.Errorf("README.md is\n%s", text)
	}
}

// A plugin inside of a checkout uses the SDK there, wherever it lies.
func TestNewFindsTheCheckout(t *testing.T) {
	root := filepath.Join(t.TempDir(), "with space")
	for _, dir := range []string{"sdk/go", "examples"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.FromSlash(dir)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "sdk", "go", "go.mod"), []byte("module github.com/wasmlane/wasmlane/sdk/go\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const sdk = "github.com/wasmlane/wasmlane/sdk/go"
	want := "\nrequire " + sdk + " v0.0.0\n\nreplace " + sdk + " => "
	dir := filepath.Join(root, "examples", "greeter")
	r := wasmlane(t, "new", dir).exits(exitOK).says("  wasmlane build '" + dir + "'\n")
	if strings.Contains(r.stdout, "go mod tidy") {
		t.Errorf("there is nothing to tidy:\n%s", r.stdout)
	}
	if got := read(t, filepath.Join(dir, "go.mod")); !strings.HasSuffix(got, want+"../../sdk/go\n") {
		t.Errorf("go.mod is %s", got)
	}
	dir = filepath.Join(t.TempDir(), "greeter")
	wasmlane(t, "new", dir, "-sdk", root).exits(exitOK)
	if got := read(t, filepath.Join(dir, "go.mod")); !strings.Contains(got, want+`"../`) {
		t.Errorf("go.mod is %s", got)
	}
}

func TestNewErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{dir + "/x", "-lang", "cobol"}, `-lang: there is no language "cobol"; write one of go, c, rust, as, zig`},
		{[]string{dir + "/My.Plugin"}, `"My.Plugin" is no name of a plugin; write "my-plugin"`},
		{[]string{dir + "/1st"}, `"1st" is no name of a plugin; write letters a-z, digits, "_" and "-", a letter first`},
		{[]string{"."}, `"." is no name of a plugin`},
		{[]string{"wasmlane"}, `"wasmlane" is the name of the SDK; choose another one`},
		{[]string{dir + "/x", "-sdk", dir}, "-sdk: " + dir + " is no checkout of Wasmlane: there is no sdk/go/go.mod of github.com/wasmlane/wasmlane/sdk/go in it"},
		{[]string{dir + "/x", "-sdk", repository, "-lang", "zig"}, "-sdk: only a Go plugin needs it; the SDK for Zig is in this program, and copied"},
	} {
		wasmlane(t, append([]string{"new"}, c.args...)...).exits(exitUsage).complains(c.want)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wasmlane(t, "new", filepath.Join(dir, "file")).exits(exitFailed).
		complains("wasmlane: " + filepath.Join(dir, "file") + ": there is a file of that name; choose another one, or remove it\n")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(dir, "empty")
	wasmlane(t, "new", full).exits(exitOK)
	wasmlane(t, "new", full).exits(exitFailed).
		complains("wasmlane: " + full + ": the directory is there and not empty; choose another name, or remove it\n")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the errors have left %v %v", entries, err)
	}
}
