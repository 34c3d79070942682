package toolchain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const rustTarget = "wasm32-unknown-unknown"

func planRust(t *tools, dir, _ string) (*plan, error) {
	manifest := filepath.Join(dir, "Cargo.toml")
	if !exists(manifest) {
		return nil, errors.New("there is no Cargo.toml; write one with cargo init --lib")
	}
	cargo, rustc, err := findRust(t, dir)
	if err != nil {
		return nil, err
	}
	messages := new(bytes.Buffer)
	return &plan{
		stdout: messages,
		argv:   []string{cargo, "build", "--release", "--target", rustTarget, "--message-format", "json-render-diagnostics"},
		env:    []string{"RUSTC=" + rustc},
		artifact: func() (file, name string, err error) {
			if file, err = rustArtifact(messages.Bytes(), manifest); err != nil {
				return "", "", err
			}
			text, err := os.ReadFile(manifest)
			return file, packageName(text, nameOf(file)), err
		},
	}, nil
}

// findRust returns a cargo, and a rustc that has the library for WebAssembly. A
// machine may have several: rustup's, which has what was added to it, and the
// distribution's.
func findRust(t *tools, dir string) (cargo, rustc string, err error) {
	cargos := t.all("cargo")
	if len(cargos) == 0 {
		return "", "", Rust.missing("cargo is not in PATH")
	}
	rustcs := t.all("rustc")
	if own := os.Getenv("RUSTC"); own != "" {
		rustcs = []string{own}
	}
	if len(rustcs) == 0 {
		return "", "", Rust.missing("rustc is not in PATH")
	}
	var linkerless *MissingError
	for _, rustc := range rustcs {
		// In dir, since rust-toolchain.toml may choose another one.
		root, err := t.ask(dir, nil, rustc, "--print", "sysroot")
		if err != nil || !exists(filepath.Join(root, "lib", "rustlib", rustTarget, "lib")) {
			continue
		}
		if lld := missingLinker(rustc); lld != "" {
			linkerless = &MissingError{Rust, fmt.Sprintf("%s has no linker for WebAssembly: rust-lld, which is %s, is not installed", rustc, lld),
				"Debian, Ubuntu: apt install " + lld}
			continue
		}
		// The cargo of the same toolchain, if it has one.
		same := slices.IndexFunc(cargos, func(cargo string) bool { return filepath.Dir(cargo) == filepath.Dir(rustc) })
		return cargos[max(same, 0)], rustc, nil
	}
	if linkerless != nil {
		return "", "", linkerless
	}
	problem := fmt.Sprintf("%s cannot make WebAssembly: it has no target %s", strings.Join(rustcs, " and "), rustTarget)
	if t.find("rustup") != "" {
		return "", "", &MissingError{Rust, problem, "add it: rustup target add " + rustTarget}
	}
	return "", "", Rust.missing(problem)
}

// missingLinker returns what Debian's rust-lld is a link to when that is not there:
// lld of the version that rustc was built with, which is in a package of its own. No
// other version will do.
func missingLinker(rustc string) string {
	link := filepath.Join(filepath.Dir(rustc), "rust-lld")
	to, err := os.Readlink(link)
	if err != nil || exists(link) {
		return ""
	}
	return filepath.Base(to)
}

// rustArtifact finds the module of the crate with that manifest in cargo's messages.
func rustArtifact(messages []byte, manifest string) (string, error) {
	type message struct {
		Reason       string
		ManifestPath string `json:"manifest_path"`
		Target       struct {
			Kind []string
		}
		Filenames []string
	}
	var others []string
	for line := range bytes.Lines(messages) {
		var m message
		// What is no JSON was printed by a build script.
		if json.Unmarshal(line, &m) != nil || m.Reason != "compiler-artifact" || !slices.Contains(m.Target.Kind, "cdylib") {
			continue
		}
		for _, file := range m.Filenames {
			if filepath.Ext(file) != ".wasm" {
				continue
			}
			if sameFile(m.ManifestPath, manifest) {
				return file, nil
			}
			others = append(others, file)
		}
	}
	if len(others) > 0 {
		return "", fmt.Errorf("this is a workspace; build the directory of one of its plugins (it has made %s)", strings.Join(others, ", "))
	}
	return "", errors.New("the crate makes no module; write to Cargo.toml:\n[lib]\ncrate-type = [\"cdylib\"]")
}

func sameFile(a, b string) bool {
	left, errLeft := os.Stat(a)
	right, errRight := os.Stat(b)
	return errLeft == nil && errRight == nil && os.SameFile(left, right)
}

// packageName returns the name of a crate that is a plugin of that file name. Cargo
// writes "-" as "_" in file names, unless [lib] has a name of its own.
func packageName(manifest []byte, file string) string {
	section := ""
	for line := range bytes.Lines(manifest) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "[") {
			section = text
		}
		key, value, _ := strings.Cut(text, "=")
		if section != "[package]" || strings.TrimSpace(key) != "name" {
			continue
		}
		if parts := strings.Split(value, `"`); len(parts) >= 3 && strings.ReplaceAll(parts[1], "-", "_") == file {
			return parts[1]
		}
	}
	return file
}
