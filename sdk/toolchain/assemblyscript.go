package toolchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func planAssemblyScript(t *tools, dir, out string) (*plan, error) {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("there is no package.json; write one with npm init, and npm install --save-dev assemblyscript")
		}
		return nil, err
	}
	p, err := parsePackage(text)
	if err != nil {
		return nil, err
	}
	node := t.find("node")
	if node == "" {
		return nil, AssemblyScript.missing("node is not in PATH; the AssemblyScript compiler runs on it")
	}
	asc, sdk, err := findAsc(dir)
	if err != nil {
		return nil, err
	}
	entries, err := ascEntries(dir)
	if err != nil {
		return nil, err
	}
	name := lastElement(p.Name)
	if name == "" {
		name = filepath.Base(dir)
	}
	argv := append([]string{node, asc}, entries...)
	argv = append(argv, "--outFile", out)
	if sdk == "" {
		return &plan{name: name, argv: argv}, nil
	}
	packages := filepath.Join(filepath.Dir(out), "packages")
	return &plan{name: name, argv: append(argv, "--path", packages), links: map[string]string{filepath.Join(packages, "wasmlane"): sdk}}, nil
}

// findAsc returns the compiler in the node_modules of dir or above it. A plugin in a
// checkout needs none of its own: that of the SDK serves, so that "npm ci" is run once
// for all of them. The SDK's directory is returned then, since nothing in dir leads
// to it.
func findAsc(dir string) (asc, sdk string, err error) {
	// What node_modules/.bin/asc links to, which is a script for some systems only.
	at := func(dir string) string {
		if file := filepath.Join(dir, "node_modules", "assemblyscript", "bin", "asc.js"); exists(file) {
			return file
		}
		return ""
	}
	if asc := upwards(dir, at); asc != "" {
		return asc, "", nil
	}
	place := dir
	if manifest := around(dir, "assemblyscript", "package.json"); manifest != "" {
		place = filepath.Dir(manifest)
		if asc := at(place); asc != "" {
			return asc, place, nil
		}
	}
	command := "npm install"
	if exists(filepath.Join(place, "package-lock.json")) {
		command = "npm ci"
	}
	return "", "", &MissingError{AssemblyScript, "the AssemblyScript compiler is not in node_modules", "run " + command + " in " + place}
}

// ascEntries returns the files to name on asc's command line: none when
// asconfig.json has them.
func ascEntries(dir string) ([]string, error) {
	const file, usual = "asconfig.json", "assembly/index.ts"
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		var config struct{ Entries []string }
		if err := json.Unmarshal(text, &config); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(config.Entries) > 0 {
			return nil, nil
		}
	}
	if !exists(filepath.Join(dir, filepath.FromSlash(usual))) {
		return nil, fmt.Errorf("there is no %s, and no other file in \"entries\" of %s", usual, file)
	}
	return []string{usual}, nil
}
