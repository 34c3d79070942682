package toolchain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine is a computer with these programs, by their paths, each with what it
// answers to a command line; "" for any other one fails.
type machine map[string]map[string]string

func (m machine) tools() *tools {
	find := func(name string) string {
		if _, ok := m[name]; ok {
			return name
		}
		for _, dir := range []string{"/opt/bin", "/usr/bin"} {
			if _, ok := m[dir+"/"+name]; ok && !strings.Contains(name, "/") {
				return dir + "/" + name
			}
		}
		return ""
	}
	return &tools{
		find: find,
		all: func(name string) (files []string) {
			for _, dir := range []string{"/opt/bin", "/usr/bin"} {
				if _, ok := m[dir+"/"+name]; ok {
					files = append(files, dir+"/"+name)
				}
			}
			return files
		},
		ask: func(_ string, _ []string, argv ...string) (string, error) {
			answer, ok := m[argv[0]][strings.Join(argv[1:], " ")]
			if !ok {
				return "", errors.New("exit status 1")
			}
			return answer, nil
		},
	}
}

// planned makes a plan and returns its command line, the directory written as DIR.
func planned(t *testing.T, l Language, m machine, dir string) (string, *plan) {
	t.Helper()
	p, err := l.planner()(m.tools(), dir, "OUT/plugin.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.Join(append(slices.Clone(p.env), p.argv...), " "), dir, "DIR"), p
}

func refused(t *testing.T, l Language, m machine, dir string, texts ...string) {
	t.Helper()
	_, err := l.planner()(m.tools(), dir, "OUT/plugin.wasm")
	wantError(t, err, texts...)
}

func TestGo(t *testing.T) {
	dir := directory(t, "go.mod=// A plugin.\nmodule \"example.com/greet/v2\" // the second\n", "main.go")
	line, p := planned(t, Go, machine{"/usr/bin/go": {"env GOVERSION": "go1.26.8"}}, dir)
	if want := "GOOS=wasip1 GOARCH=wasm /usr/bin/go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags=-s -w -o OUT/plugin.wasm ."; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if p.name != "greet" {
		t.Errorf("the name is %q", p.name)
	}
	// A version that is none of the numbered ones is the user's to judge.
	planned(t, Go, machine{"/usr/bin/go": {"env GOVERSION": "devel +abc"}}, dir)

	refused(t, Go, machine{}, dir, "the go command is not in PATH\nDebian, Ubuntu: apt install golang-go, if that is 1.24 or later; macOS: brew install go; else: https://go.dev/dl")
	refused(t, Go, machine{"/usr/bin/go": {"env GOVERSION": "go1.19.8"}}, dir, "/usr/bin/go is go1.19.8; plugins need go1.24 or later\n", "apt install")
	refused(t, Go, machine{"/usr/bin/go": nil}, dir, "/usr/bin/go env GOVERSION: exit status 1")
	refused(t, Go, machine{"/usr/bin/go": {"env GOVERSION": "go1.26"}}, directory(t, "main.go"), "no go.mod; write one with go mod init example.com/NAME")
}

const noWasm32, withWasm32 = "  Registered Targets:\n    x86    - 32-bit X86", "  Registered Targets:\n    wasm32     - WebAssembly 32-bit\n    x86    - 32-bit X86"

func TestC(t *testing.T) {
	dir := directory(t, "a.c=#include \"wasmlane.h\"\n", "b.c", "wasmlane/wasmlane.h")
	const linker = "--target=wasm32 -print-prog-name=wasm-ld"
	good := machine{"/usr/bin/clang": {"--print-targets": withWasm32, linker: "wasm-ld"}, "/usr/bin/wasm-ld": nil}
	line, p := planned(t, C, good, dir)
	flags := "--target=wasm32 -std=c11 -O2 -nostdlib -ffreestanding -mbulk-memory -IDIR/wasmlane -Wl,--no-entry -Wl,--strip-all -o OUT/plugin.wasm a.c b.c"
	if want := "/usr/bin/clang " + flags; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if p.name != filepath.Base(dir) {
		t.Errorf("the name is %q", p.name)
	}
	// Apple's goes first in PATH, an old one has no linker, a newer one has: of
	// another name, which clang does not know.
	mixed := machine{
		"/usr/bin/clang":      {"--print-targets": noWasm32},
		"/usr/bin/clang-19":   {"--print-targets": withWasm32, linker: "wasm-ld"},
		"/opt/bin/clang-15":   {"--print-targets": withWasm32, linker: "wasm-ld"},
		"/usr/bin/wasm-ld-15": nil,
	}
	if line, _ := planned(t, C, mixed, dir); line != "/opt/bin/clang-15 -fuse-ld=/usr/bin/wasm-ld-15 "+flags {
		t.Errorf("got %s", line)
	}
	// The header of a checkout around it.
	around := directory(t, "sdk/c/wasmlane.h", "examples/hello/hello.c=#include <wasmlane.h>")
	p, err := planC(good.tools(), filepath.Join(around, "examples", "hello"), "OUT")
	if err != nil || !slices.Contains(p.argv, "-I"+filepath.Join(around, "sdk", "c")) || p.name != "hello" {
		t.Errorf("%+v %v", p, err)
	}

	refused(t, C, machine{}, dir, "clang is not in PATH, nor is clang-24 … clang-14\nDebian, Ubuntu: apt install clang lld; macOS: brew install llvm lld; else: https://releases.llvm.org")
	refused(t, C, machine{"/usr/bin/clang": {"--print-targets": noWasm32}}, dir, "/usr/bin/clang cannot make WebAssembly: --print-targets does not list wasm32\n", "brew install llvm lld")
	delete(mixed, "/usr/bin/wasm-ld-15")
	delete(mixed, "/opt/bin/clang-15")
	refused(t, C, mixed, dir, "/usr/bin/clang-19 has no wasm-ld to link with\nDebian, Ubuntu: apt install lld-19; macOS: brew install lld; else: ")
	refused(t, C, good, directory(t, "a.c=#include \"wasmlane.h\"\n"), "a.c includes wasmlane.h, which is neither here nor in wasmlane/; copy it from sdk/c")
	refused(t, C, good, directory(t, "a.txt"), "there is no *.c")
}

func TestRust(t *testing.T) {
	t.Setenv("RUSTC", "")
	dir := directory(t, "Cargo.toml")
	with := directory(t, "lib/rustlib/wasm32-unknown-unknown/lib/libstd.rlib")
	without := directory(t, "lib/rustlib/x86_64-unknown-linux-gnu/lib/libstd.rlib")
	m := machine{
		"/opt/bin/cargo": nil, "/opt/bin/rustc": {"--print sysroot": without},
		"/usr/bin/cargo": nil, "/usr/bin/rustc": {"--print sysroot": with},
	}
	line, _ := planned(t, Rust, m, dir)
	if want := "RUSTC=/usr/bin/rustc /usr/bin/cargo build --release --target wasm32-unknown-unknown --message-format json-render-diagnostics"; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	delete(m, "/usr/bin/cargo") // another one serves
	if line, _ := planned(t, Rust, m, dir); !strings.HasPrefix(line, "RUSTC=/usr/bin/rustc /opt/bin/cargo ") {
		t.Errorf("got  %s", line)
	}

	refused(t, Rust, machine{}, dir, "cargo is not in PATH\nDebian, Ubuntu: apt install cargo libstd-rust-dev-wasm32 lld; macOS and else: https://rustup.rs, then rustup target add wasm32-unknown-unknown")
	refused(t, Rust, machine{"/usr/bin/cargo": nil}, dir, "rustc is not in PATH\n", "apt install")
	delete(m, "/usr/bin/rustc")
	refused(t, Rust, m, dir, "/opt/bin/rustc cannot make WebAssembly: it has no target wasm32-unknown-unknown\nDebian")
	m["/opt/bin/rustup"] = nil
	refused(t, Rust, m, dir, "it has no target wasm32-unknown-unknown\nadd it: rustup target add wasm32-unknown-unknown")
	refused(t, Rust, m, directory(t), "there is no Cargo.toml; write one with cargo init --lib")

	// Debian's has the target and not its linker.
	bin := directory(t, "cargo", "rustc")
	if err := os.Symlink("lld-14", filepath.Join(bin, "rust-lld")); err == nil {
		rustc := filepath.Join(bin, "rustc")
		t.Setenv("RUSTC", rustc)
		refused(t, Rust, machine{"/usr/bin/cargo": nil, rustc: {"--print sysroot": with}}, dir,
			rustc+" has no linker for WebAssembly: rust-lld, which is lld-14, is not installed\nDebian, Ubuntu: apt install lld-14")
	}

	// One that the user has chosen is the only one.
	t.Setenv("RUSTC", "/my/rustc")
	m["/my/rustc"] = map[string]string{"--print sysroot": without}
	refused(t, Rust, m, dir, "/my/rustc cannot make WebAssembly")
}

func TestRustArtifact(t *testing.T) {
	dir := directory(t, "Cargo.toml=[package]\nname = \"my-plugin\"\n[lib]\ncrate-type = [\"cdylib\"]\n", "other/Cargo.toml")
	manifest := filepath.Join(dir, "Cargo.toml")
	message := func(manifest, kind, file string) string {
		return `{"reason":"compiler-artifact","manifest_path":"` + filepath.ToSlash(manifest) + `","target":{"kind":["` + kind + `"]},"filenames":["` + file + `"]}` + "\n"
	}
	other := message(filepath.Join(dir, "other", "Cargo.toml"), "cdylib", "/t/other.wasm")
	file, err := rustArtifact([]byte("printed by a build script\n"+message(manifest, "lib", "/t/libsdk.rlib")+other+message(manifest, "cdylib", "/t/my_plugin.wasm")), manifest)
	if file != "/t/my_plugin.wasm" || err != nil {
		t.Errorf("got %q %v", file, err)
	}
	wantError(t, errOf(rustArtifact([]byte(other), manifest)), "workspace; build the directory of one of its plugins", "/t/other.wasm")
	wantError(t, errOf(rustArtifact(nil, manifest)), "the crate makes no module; write to Cargo.toml:\n[lib]\ncrate-type = [\"cdylib\"]")

	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"my_plugin": "my-plugin", "own": "own"} {
		if got := packageName(text, file); got != want {
			t.Errorf("the name is %q for %s, want %q", got, file, want)
		}
	}
}

func TestAssemblyScript(t *testing.T) {
	m := machine{"/usr/bin/node": nil}
	const asc = "node_modules/assemblyscript/bin/asc.js"
	dir := directory(t, `package.json={"name": "@me/users"}`, asc, "assembly/index.ts")
	line, p := planned(t, AssemblyScript, m, dir)
	if want := "/usr/bin/node DIR/" + asc + " assembly/index.ts --outFile OUT/plugin.wasm"; filepath.ToSlash(line) != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if p.name != "users" {
		t.Errorf("the name is %q", p.name)
	}
	// asconfig.json has the entries; node_modules is above.
	around := directory(t, asc, `sub/package.json={}`, `sub/asconfig.json={"entries": ["lib/main.ts"]}`)
	p, err := planAssemblyScript(m.tools(), filepath.Join(around, "sub"), "OUT")
	if err != nil || !slices.Equal(p.argv[2:], []string{"--outFile", "OUT"}) || p.name != "sub" {
		t.Errorf("%+v %v", p, err)
	}

	refused(t, AssemblyScript, m, directory(t), "there is no package.json; write one with npm init, and npm install --save-dev assemblyscript")
	refused(t, AssemblyScript, machine{}, dir, "node is not in PATH; the AssemblyScript compiler runs on it\nDebian, Ubuntu: apt install nodejs npm; macOS: brew install node; else: https://nodejs.org")
	alone := directory(t, withAssemblyScript)
	refused(t, AssemblyScript, m, alone, "the AssemblyScript compiler is not in node_modules\nrun npm install in "+alone)
	locked := directory(t, withAssemblyScript, "package-lock.json")
	refused(t, AssemblyScript, m, locked, "\nrun npm ci in "+locked)
	refused(t, AssemblyScript, m, directory(t, withAssemblyScript, asc), `there is no assembly/index.ts, and no other file in "entries" of asconfig.json`)
	refused(t, AssemblyScript, m, directory(t, withAssemblyScript, asc, "asconfig.json=["), "asconfig.json: ")
}

// A plugin in a checkout is built with what was installed for the SDK there.
func TestAssemblyScriptInCheckout(t *testing.T) {
	m := machine{"/usr/bin/node": nil}
	const plugin, sdk, asc = "examples/users", "sdk/assemblyscript", "node_modules/assemblyscript/bin/asc.js"
	manifest, entry := plugin+"/"+withAssemblyScript, plugin+"/assembly/index.ts"
	around := directory(t, manifest, entry, sdk+"/package.json", sdk+"/"+asc)
	p, err := planAssemblyScript(m.tools(), filepath.Join(around, filepath.FromSlash(plugin)), filepath.FromSlash("OUT/plugin.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	line := filepath.ToSlash(strings.ReplaceAll(strings.Join(p.argv, " "), around, "DIR"))
	if want := "/usr/bin/node DIR/" + sdk + "/" + asc + " assembly/index.ts --outFile OUT/plugin.wasm --path OUT/packages"; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if want := filepath.Join(around, filepath.FromSlash(sdk)); p.links[filepath.FromSlash("OUT/packages/wasmlane")] != want {
		t.Errorf("the links are %q, want one to %s", p.links, want)
	}
	// Its own goes first.
	own := directory(t, manifest, entry, plugin+"/"+asc, sdk+"/package.json", sdk+"/"+asc)
	p, err = planAssemblyScript(m.tools(), filepath.Join(own, filepath.FromSlash(plugin)), "OUT")
	if err != nil || len(p.links) > 0 || slices.Contains(p.argv, "--path") {
		t.Errorf("%+v %v", p, err)
	}
	bare := directory(t, manifest, entry, sdk+"/package.json", sdk+"/package-lock.json")
	refused(t, AssemblyScript, m, filepath.Join(bare, filepath.FromSlash(plugin)), "\nrun npm ci in "+filepath.Join(bare, filepath.FromSlash(sdk)))
}

// What is not installed is told from all else, without reading the message.
func TestMissing(t *testing.T) {
	t.Setenv("RUSTC", "")
	files := []string{"go.mod", "a.c", "Cargo.toml", withAssemblyScript, "build.zig"}
	for _, l := range Languages() {
		_, err := l.planner()(machine{}.tools(), directory(t, files...), "OUT")
		var missing *MissingError
		if !errors.As(fmt.Errorf("DIR: %w", err), &missing) || missing.Language != l || missing.Install != l.Install() || missing.Problem == "" {
			t.Errorf("%s: %#v", l, err)
		}
	}
	var missing *MissingError
	if _, err := planRust(machine{}.tools(), directory(t), "OUT"); errors.As(err, &missing) {
		t.Errorf("a directory without Cargo.toml is %v", err)
	}
}

func TestZig(t *testing.T) {
	zig := machine{"/usr/bin/zig": nil}
	python := machine{"/usr/bin/python3": {"-m ziglang version": "0.17.1"}}
	line, _ := planned(t, Zig, python, directory(t, "build.zig"))
	if want := "/usr/bin/python3 -m ziglang build --prefix OUT"; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	const flags = "/usr/bin/zig build-exe -target wasm32-freestanding -O ReleaseSmall -fstrip -fsingle-threaded -fno-entry -rdynamic --stack 262144 -femit-bin=OUT/plugin.wasm "
	for _, c := range []struct {
		files, want string
	}{
		{"hello.zig", "-Mroot=hello.zig"},
		{"hello.zig;wasmlane.zig", "--dep wasmlane -Mroot=hello.zig -Mwasmlane=DIR/wasmlane.zig"},
		{"main.zig;other.zig;wasmlane/wasmlane.zig", "--dep wasmlane -Mroot=main.zig -Mwasmlane=DIR/wasmlane/wasmlane.zig"},
	} {
		if line, _ := planned(t, Zig, zig, directory(t, strings.Split(c.files, ";")...)); filepath.ToSlash(line) != flags+c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.files, line, flags+c.want)
		}
	}
	refused(t, Zig, machine{"/usr/bin/python3": nil}, directory(t, "main.zig"), "zig is not in PATH, nor does python3 -m ziglang run it\nDebian, Ubuntu: python3 -m pip install ziglang", "macOS: brew install zig; else: https://ziglang.org/download")
	refused(t, Zig, zig, directory(t, "a.zig", "b.zig"), "the root file may be any of a.zig, b.zig; call it main.zig, or write a build.zig")
	refused(t, Zig, zig, directory(t), "there is no *.zig")

	dir := directory(t, "users.wasm")
	if file, err := zigArtifact(dir); file != filepath.Join(dir, "users.wasm") || err != nil {
		t.Errorf("got %q %v", file, err)
	}
	wantError(t, errOf(zigArtifact(directory(t, "bin/a.wasm", "b.wasm"))), "zig build has installed 2 modules; wasmlane build takes a directory with one plugin")
	wantError(t, errOf(zigArtifact(directory(t, "lib/a.a"))), "zig build has installed no module; build.zig must add an executable for wasm32-freestanding and install it")
}
