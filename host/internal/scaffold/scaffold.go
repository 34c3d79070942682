// Package scaffold writes new plugins: a directory with sources that build, with a
// test where the language has one, and a host.toml that runs them.
//
// The templates are files of this package, and the SDKs that are copied beside a
// plugin are those of the sources this program was built from, so that the two
// always fit.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

// A template's name ends in .tmpl, which the file that becomes of it has not: the
// go command would take a directory with a go.mod for a module, and leave it out.
//
//go:embed all:templates
var templates embed.FS

// Languages returns those that there is a template for.
func Languages() []toolchain.Language {
	return slices.DeleteFunc(toolchain.Languages(), func(l toolchain.Language) bool {
		_, err := fs.Stat(templates, "templates/"+l.Flag())
		return err != nil
	})
}

// GoSDK is the module of the SDK for Go.
const GoSDK = "github.com/wasmlane/wasmlane/sdk/go"

// Plugin is a new plugin.
type Plugin struct {
	Dir      string // where it goes; the directory is made
	Name     string // a valid one
	Language toolchain.Language
	// SDK has the files of those that are copied, by paths that begin with c/, rust/,
	// assemblyscript/ or zig/.
	SDK map[string]string
	// Checkout is the directory of Wasmlane's sources that a Go plugin is built
	// against; "" for the published SDK.
	Checkout string
}

// Write writes the directory. One that is there already must be empty. After an
// error a directory that was not there is not there.
func (p *Plugin) Write() (err error) {
	made, err := p.makeDir()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && made {
			_ = os.RemoveAll(p.Dir) // the error before is the one to report
		}
	}()
	fill, err := p.replacer()
	if err != nil {
		return err
	}
	if err := p.write("host.toml", fill.Replace(text("common/host.toml.tmpl"))); err != nil {
		return err
	}
	if err := p.write("README.md", fill.Replace(text("common/README.md.tmpl"))); err != nil {
		return err
	}
	if err := p.writeSources(fill); err != nil {
		return err
	}
	return p.copySDK()
}

// makeDir reports whether it had to make the directory.
func (p *Plugin) makeDir() (made bool, err error) {
	entries, err := os.ReadDir(p.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(p.Dir, 0o755)
	case err != nil:
		if info, statErr := os.Stat(p.Dir); statErr == nil && !info.IsDir() {
			return false, fmt.Errorf("%s: there is a file of that name; choose another one, or remove it", p.Dir)
		}
		return false, err
	case len(entries) > 0:
		return false, fmt.Errorf("%s: the directory is there and not empty; choose another name, or remove it", p.Dir)
	}
	return false, nil
}

// writeSources writes what is under templates/LANGUAGE.
func (p *Plugin) writeSources(fill *strings.Replacer) error {
	root := "templates/" + p.Language.Flag()
	return fs.WalkDir(templates, root, func(file string, entry fs.DirEntry, err error) error {
		name, isTemplate := strings.CutSuffix(strings.TrimPrefix(file, root+"/"), ".tmpl")
		if err != nil || entry.IsDir() || !isTemplate {
			return err
		}
		return p.write(name, fill.Replace(text(strings.TrimPrefix(file, "templates/"))))
	})
}

// copySDK copies the SDK to where the template looks for it.
func (p *Plugin) copySDK() error {
	from := sdkOf(p.Language)
	if from == "" {
		return nil
	}
	copied := false
	for file, content := range p.SDK {
		name, ok := strings.CutPrefix(file, from+"/")
		if !ok {
			continue
		}
		if err := p.write("wasmlane/"+name, content); err != nil {
			return err
		}
		copied = true
	}
	if !copied {
		return fmt.Errorf("there is no SDK for %s to copy", p.Language)
	}
	return nil
}

// sdkOf returns the directory of the SDK that is copied, or "".
func sdkOf(l toolchain.Language) string {
	switch l {
	case toolchain.C, toolchain.Rust, toolchain.Zig:
		return l.Flag()
	case toolchain.AssemblyScript:
		return "assemblyscript"
	}
	return ""
}

func (p *Plugin) write(name, content string) error {
	file := filepath.Join(p.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(content), 0o644)
}

// text returns a file of templates, which is there: a test writes every template.
func text(name string) string {
	content, err := templates.ReadFile(path.Join("templates", name))
	if err != nil {
		panic(err)
	}
	return string(content)
}

// Lines returns what a host.toml needs for the plugin.
func (p *Plugin) Lines() string {
	return p.named(text("common/lines.tmpl"))
}

// named fills in the name, and what cargo makes of it.
func (p *Plugin) named(text string) string {
	return strings.NewReplacer("{{name}}", p.Name, "{{crate}}", strings.ReplaceAll(p.Name, "-", "_")).Replace(text)
}

// Prepare returns the command to run in the directory before the first build, or "".
func (p *Plugin) Prepare() string {
	switch {
	case p.Language == toolchain.Go && p.Checkout == "":
		return "go mod tidy"
	case p.Language == toolchain.AssemblyScript:
		return "npm install"
	}
	return ""
}

// replacer fills in the places of the templates.
func (p *Plugin) replacer() (*strings.Replacer, error) {
	require, err := p.require()
	if err != nil {
		return nil, err
	}
	prepare := ""
	if command := p.Prepare(); command != "" {
		prepare = command + "\n"
	}
	return strings.NewReplacer(
		"{{name}}", p.Name,
		"{{language}}", p.Language.String(),
		"{{lines}}\n", p.Lines(),
		"{{prepare}}", prepare,
		"{{command}}", command(p.Language, p.Name),
		"{{about}}\n", p.named(text(p.Language.Flag()+"/about")),
		"{{require}}\n", require,
		"{{fingerprint}}", fmt.Sprintf("%#016x", fingerprint()),
	), nil
}

// require returns the lines of go.mod that say where the SDK comes from: from a
// checkout. Without one, "go mod tidy" writes them.
func (p *Plugin) require() (string, error) {
	if p.Checkout == "" {
		return "", nil
	}
	to, err := relative(p.Dir, filepath.Join(p.Checkout, "sdk", "go"))
	if err != nil {
		return "", err
	}
	return "\nrequire " + GoSDK + " v0.0.0\n\nreplace " + GoSDK + " => " + to + "\n", nil
}

// relative returns the path from one directory to another as go.mod has it. Links
// are followed: the ".." of a directory is the one that it really lies in.
func relative(from, to string) (string, error) {
	var real [2]string
	for i, dir := range []string{from, to} {
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		if real[i], err = filepath.Abs(dir); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Rel(real[0], real[1])
	if err != nil {
		dir = real[1] // on another drive
	}
	dir = filepath.ToSlash(dir)
	if strings.ContainsAny(dir, " \t\"'`") {
		dir = fmt.Sprintf("%q", dir)
	}
	return dir, nil
}

// fingerprint identifies a Zig package called "plugin": the checksum of its name,
// and a number of its own.
func fingerprint() uint64 {
	checksum := uint64(crc32.ChecksumIEEE([]byte("plugin")))
	return checksum<<32 | uint64(1+rand.Uint32N(1<<32-2))
}
