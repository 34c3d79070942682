package scaffold

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

// sdks stands for the SDKs: a file each.
var sdks = map[string]string{
	"c/wasmlane.h":                     "/* {{name}} */",
	"rust/src/lib.rs":                  "",
	"assemblyscript/assembly/index.ts": "",
	"zig/wasmlane.zig":                 "",
}

// place is what a template has for something to be filled in.
var place = regexp.MustCompile(`{{[a-z]+}}`)

func TestWrite(t *testing.T) {
	for _, l := range Languages() {
		dir := filepath.Join(t.TempDir(), "deep", "my-plugin")
		p := &Plugin{Dir: dir, Name: "my-plugin", Language: l, SDK: sdks}
		if err := p.Write(); err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		files := map[string]string{}
		err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(filepath.Join(dir, name))
			files[name] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			if strings.HasSuffix(name, ".tmpl") || place.MatchString(content) && !strings.HasPrefix(name, "wasmlane/") {
				t.Errorf("%s: %s is\n%s", l, name, content)
			}
		}
		for name, want := range map[string]string{
			"host.toml":  p.Lines(),
			"README.md":  "A Wasmlane plugin in " + l.String() + ".",
			".gitignore": "/.wasmlane/\n",
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s: %s is\n%s\nwithout %s", l, name, files[name], want)
			}
		}
		if detected, err := toolchain.Detect(dir); detected != l || err != nil {
			t.Errorf("%s: detected as %q %v", l, detected, err)
		}
		// What is copied is copied as it is.
		if l == toolchain.C && files["wasmlane/wasmlane.h"] != "/* {{name}} */" {
			t.Errorf("%s: the SDK is %q", l, files["wasmlane/wasmlane.h"])
		}
	}
}

// After an error there is nothing left that would have to be removed by hand.
func TestWriteUndoes(t *testing.T) {
	dir := t.TempDir()
	p := &Plugin{Dir: filepath.Join(dir, "greeter"), Name: "greeter", Language: toolchain.Zig}
	if err := p.Write(); err == nil {
		t.Error("an SDK that is not there was copied")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("what is left is %v %v", entries, err)
	}
}
