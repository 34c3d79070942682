package toolchain

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

func planZig(t *tools, dir, out string) (*plan, error) {
	zig := findZig(t, dir)
	if zig == nil {
		return nil, Zig.missing("zig is not in PATH, nor does python3 -m ziglang run it")
	}
	if exists(filepath.Join(dir, "build.zig")) {
		prefix := filepath.Dir(out)
		return &plan{
			argv: append(zig, "build", "--prefix", prefix),
			artifact: func() (file, name string, err error) {
				file, err = zigArtifact(prefix)
				return file, nameOf(file), err
			},
		}, nil
	}
	root, err := zigRoot(dir)
	if err != nil {
		return nil, err
	}
	argv := append(zig, "build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSmall", "-fstrip", "-fsingle-threaded",
		"-fno-entry", "-rdynamic", "--stack", "262144", "-femit-bin="+out)
	sdk := beside(dir, "wasmlane.zig", "zig")
	if sdk == "" {
		return &plan{name: filepath.Base(dir), argv: append(argv, "-Mroot="+root)}, nil
	}
	return &plan{name: filepath.Base(dir), argv: append(argv, "--dep", "wasmlane", "-Mroot="+root, "-Mwasmlane="+sdk)}, nil
}

// findZig returns what zig's arguments follow, or nil. The package ziglang brings it
// where there is Python.
func findZig(t *tools, dir string) []string {
	if zig := t.find("zig"); zig != "" {
		return []string{zig}
	}
	for _, name := range []string{"python3", "python"} {
		if python := t.find(name); python != "" {
			if _, err := t.ask(dir, nil, python, "-m", "ziglang", "version"); err == nil {
				return []string{python, "-m", "ziglang"}
			}
		}
	}
	return nil
}

// zigRoot returns the root file of a plugin without a build.zig: the only one there
// is, or main.zig.
func zigRoot(dir string) (string, error) {
	files, err := list(dir)
	if err != nil {
		return "", err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return filepath.Ext(file) != ".zig" || file == "wasmlane.zig" })
	switch {
	case slices.Contains(files, "main.zig"):
		return "main.zig", nil
	case len(files) == 1:
		return files[0], nil
	case len(files) == 0:
		return "", errors.New("there is no *.zig")
	}
	return "", fmt.Errorf("the root file may be any of %s; call it main.zig, or write a build.zig", strings.Join(files, ", "))
}

// zigArtifact finds the module that zig build has installed.
func zigArtifact(prefix string) (string, error) {
	var found []string
	for _, sub := range []string{"", "bin"} {
		files, err := filepath.Glob(filepath.Join(escapeGlob(prefix), sub, "*.wasm"))
		if err != nil {
			return "", err
		}
		found = append(found, files...)
	}
	switch len(found) {
	case 0:
		return "", errors.New("zig build has installed no module; build.zig must add an executable for wasm32-freestanding and install it")
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("zig build has installed %d modules; wasmlane build takes a directory with one plugin", len(found))
}
