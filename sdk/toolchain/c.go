package toolchain

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The versions of clang that Linux distributions call clang-N. The plain name goes
// first.
const (
	clangNewest = 24
	clangOldest = 14
)

func planC(t *tools, dir, out string) (*plan, error) {
	sources, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.c"))
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, errors.New("there is no *.c")
	}
	var include []string
	if header := beside(dir, "wasmlane.h", "c"); header != "" {
		include = []string{"-I" + filepath.Dir(header)}
	} else if file := including(sources); file != "" {
		return nil, fmt.Errorf("%s includes wasmlane.h, which is neither here nor in wasmlane/; copy it from sdk/c, or from what \"wasmlane new NAME -lang c\" writes", filepath.Base(file))
	}
	compiler, err := findClang(t, dir)
	if err != nil {
		return nil, err
	}
	argv := append(compiler, "--target=wasm32", "-std=c11", "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory")
	argv = append(argv, include...)
	argv = append(argv, "-Wl,--no-entry", "-Wl,--strip-all", "-o", out)
	for _, source := range sources {
		argv = append(argv, filepath.Base(source)) // as its author knows it, in messages
	}
	return &plan{name: filepath.Base(dir), argv: argv}, nil
}

// escapeGlob makes a path match itself only.
func escapeGlob(path string) string {
	if filepath.Separator != '/' {
		return path // there is no way to escape there
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// including returns the first file that includes wasmlane.h, or "".
func including(files []string) string {
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("wasmlane.h")) {
			return file
		}
	}
	return ""
}

// findClang returns a clang that can make WebAssembly, with its linker, and what to
// tell it to use that one.
func findClang(t *tools, dir string) ([]string, error) {
	names := []string{"clang"}
	for n := clangNewest; n >= clangOldest; n-- {
		names = append(names, fmt.Sprintf("clang-%d", n))
	}
	var clangs []string
	for _, name := range names {
		clangs = append(clangs, t.all(name)...)
	}
	if len(clangs) == 0 {
		return nil, C.missing(fmt.Sprintf("clang is not in PATH, nor is clang-%d … clang-%d", clangNewest, clangOldest))
	}
	var targetless, linkerless string
	for _, clang := range clangs {
		// Apple's has no WebAssembly in it.
		targets, err := t.ask(dir, nil, clang, "--print-targets")
		if err != nil || !knowsWasm32(targets) {
			targetless = clang
			continue
		}
		if linker, err := t.ask(dir, nil, clang, "--target=wasm32", "-print-prog-name=wasm-ld"); err == nil && t.find(linker) != "" {
			return []string{clang}, nil
		}
		_, version, _ := strings.Cut(filepath.Base(clang), "-")
		if linker := t.find("wasm-ld-" + version); version != "" && linker != "" {
			return []string{clang, "-fuse-ld=" + linker}, nil
		}
		linkerless = clang
	}
	if linkerless != "" {
		_, version, _ := strings.Cut(filepath.Base(linkerless), "-")
		lld := strings.TrimSuffix("lld-"+version, "-")
		return nil, &MissingError{C, linkerless + " has no wasm-ld to link with",
			"Debian, Ubuntu: apt install " + lld + "; macOS: brew install lld; else: it is part of LLVM, https://releases.llvm.org"}
	}
	return nil, C.missing(targetless + " cannot make WebAssembly: --print-targets does not list wasm32")
}

func knowsWasm32(targets string) bool {
	for line := range strings.Lines(targets) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == "wasm32" {
			return true
		}
	}
	return false
}
