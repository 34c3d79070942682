package toolchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Detect returns the language that the plugin in dir is written in. Its manifest
// decides; where there is none, its sources do.
func Detect(dir string) (Language, error) {
	files, err := list(dir)
	if err != nil {
		return "", err
	}
	found, err := detect(files, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	return found, nil
}

// list returns the names of the files in dir.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			return nil, fmt.Errorf("%s: not a directory; name the one that the plugin's sources are in", dir)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such directory; \"wasmlane new\" writes one", dir)
		}
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() {
			files = append(files, e.Name())
		}
	}
	return files, nil
}

// sign is a file that tells of a language.
type sign struct {
	file     string
	language Language
}

func detect(files []string, read func(name string) ([]byte, error)) (Language, error) {
	var manifests, sources []sign
	npm := false
	for _, file := range files {
		switch file {
		case "go.mod":
			manifests = append(manifests, sign{file, Go})
			continue
		case "Cargo.toml":
			manifests = append(manifests, sign{file, Rust})
			continue
		case "build.zig":
			manifests = append(manifests, sign{file, Zig})
			continue
		case "package.json":
			text, err := read(file)
			if err != nil {
				return "", err
			}
			p, err := parsePackage(text)
			if err != nil {
				return "", err
			}
			if p.usesAssemblyScript() {
				manifests = append(manifests, sign{file, AssemblyScript})
			}
			npm = true
			continue
		case "wasmlane.zig": // the SDK, and no plugin alone
			continue
		}
		switch filepath.Ext(file) {
		case ".go":
			sources = append(sources, sign{file, Go})
		case ".c":
			sources = append(sources, sign{file, C})
		case ".zig":
			sources = append(sources, sign{file, Zig})
		}
	}
	for _, signs := range [][]sign{manifests, sources} {
		if len(signs) == 0 {
			continue
		}
		for _, s := range signs[1:] {
			if s.language != signs[0].language {
				return "", fmt.Errorf("%s is of %s and %s of %s; say with -lang %s or -lang %s which one to build",
					signs[0].file, signs[0].language, s.file, s.language, signs[0].language.Flag(), s.language.Flag())
			}
		}
		return signs[0].language, nil
	}
	return "", nothing(files, npm)
}

// nothing says what is missing in a directory without a plugin that we know.
func nothing(files []string, npm bool) error {
	has := func(ext string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return filepath.Ext(file) == ext })
	}
	const advice = `; "wasmlane new NAME" writes a plugin to start from`
	switch {
	case npm:
		return errors.New("package.json does not have assemblyscript among its dependencies; add it with npm install --save-dev assemblyscript")
	case has(".rs"):
		return errors.New("there are Rust sources but no Cargo.toml; write one with cargo init --lib" + advice)
	case has(".ts"):
		return errors.New("there are TypeScript sources but no package.json; write one with npm init" + advice)
	case has(".cc"), has(".cpp"), has(".cxx"):
		return errors.New("there are C++ sources and none of a language that can be built here" + advice)
	case has(".wasm"), has(".wat"):
		return errors.New("there is WebAssembly but nothing to build it from")
	case len(files) == 0:
		return errors.New("there is no file in it" + advice)
	}
	return errors.New("there is no plugin to build: no go.mod, Cargo.toml, package.json or build.zig, no *.c, *.zig or *.go" + advice)
}

// npmPackage is what we read of a package.json.
type npmPackage struct {
	Name            string
	Dependencies    map[string]string
	DevDependencies map[string]string
}

func parsePackage(text []byte) (*npmPackage, error) {
	p := new(npmPackage)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("package.json: %w", err)
	}
	return p, nil
}

func (p *npmPackage) usesAssemblyScript() bool {
	_, dep := p.Dependencies["assemblyscript"]
	_, dev := p.DevDependencies["assemblyscript"]
	return dep || dev
}

// lastElement returns the last element of a path with slashes.
func lastElement(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
