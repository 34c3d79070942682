package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/host"
	"github.com/wasmlane/wasmlane/host/internal/scaffold"
	"github.com/wasmlane/wasmlane/sdk"
	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

func runNew(i *invocation) int {
	lang := i.flags.String("lang", "go", "the `language`: "+flagsOf(scaffold.Languages()))
	checkout := i.flags.String("sdk", "", "a `directory` with Wasmlane's sources, whose SDK a Go plugin is built against; found by itself when NAME is inside of one")
	rest, code, ok := i.parse(1, 1)
	if !ok {
		return code
	}
	language, err := toolchain.ParseLanguage(*lang)
	if err != nil {
		return i.misused("-lang: " + err.Error())
	}
	if !slices.Contains(scaffold.Languages(), language) {
		return i.misused(fmt.Sprintf("-lang: there is no template for %s; write one of %s", language, flagsOf(scaffold.Languages())))
	}
	p := &scaffold.Plugin{Dir: filepath.Clean(rest[0]), Language: language, SDK: sdk.Files()}
	p.Name = filepath.Base(p.Dir)
	if err := checkNewName(p.Name); err != nil {
		return i.misused(err.Error())
	}
	if p.Checkout, err = sources(p.Dir, language, *checkout); err != nil {
		return i.misused("-sdk: " + err.Error())
	}
	if err := p.Write(); err != nil {
		return i.failed(err)
	}
	fmt.Fprintf(i.stdout, "%s: a plugin in %s. Next:\n\n", p.Dir, language)
	if command := p.Prepare(); command != "" {
		fmt.Fprintf(i.stdout, "  (cd %s && %s)\n", quoted(p.Dir), command)
	}
	fmt.Fprintf(i.stdout, "  wasmlane build %s\n", quoted(p.Dir))
	fmt.Fprintf(i.stdout, "  wasmlane run -c %s\n", quoted(filepath.Join(p.Dir, "host.toml")))
	fmt.Fprintf(i.stdout, "  curl http://127.0.0.1:8001/%s/Ada\n", p.Name)
	fmt.Fprintf(i.stdout, "\nFor a host.toml that you have, \"wasmlane build %s -o PLUGIN_DIR\", and these lines:\n\n", quoted(p.Dir))
	for line := range strings.Lines(p.Lines()) {
		if line != "\n" {
			line = "  " + line
		}
		fmt.Fprint(i.stdout, line)
	}
	return exitOK
}

func checkNewName(name string) error {
	if name == "wasmlane" {
		return fmt.Errorf("%q is the name of the SDK; choose another one", name)
	}
	return host.CheckPluginName(name)
}

// quoted returns a path as a shell takes it.
func quoted(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// sources returns the checkout that a Go plugin in dir is built against: the one
// that is given, the one around dir, or none.
func sources(dir string, language toolchain.Language, given string) (string, error) {
	hasSDK := func(root string) bool {
		text, err := os.ReadFile(filepath.Join(root, "sdk", "go", "go.mod"))
		return err == nil && strings.HasPrefix(string(text), "module "+scaffold.GoSDK+"\n")
	}
	switch {
	case given != "" && language != toolchain.Go:
		return "", fmt.Errorf("only a Go plugin needs it; the SDK for %s is in this program, and copied", language)
	case given != "" && !hasSDK(given):
		return "", fmt.Errorf("%s is no checkout of Wasmlane: there is no sdk/go/go.mod of %s in it", given, scaffold.GoSDK)
	case given != "" || language != toolchain.Go:
		return given, nil
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for !hasSDK(root) {
		parent := filepath.Dir(root)
		if parent == root {
			return "", nil
		}
		root = parent
	}
	return root, nil
}
