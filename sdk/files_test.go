package sdk

import (
	"bytes"
	"compress/flate"
	"embed"
	"flag"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// sources are what is packed.
//
//go:embed assemblyscript/assembly assemblyscript/index.ts assemblyscript/asconfig.json assemblyscript/package.json
//go:embed c/wasmlane.h
//go:embed rust/Cargo.toml rust/src
//go:embed zig/*.zig zig/build.zig.zon
var sources embed.FS

var update = flag.Bool("update", false, "write packed.flate")

func TestPacked(t *testing.T) {
	want := make(map[string]string)
	err := fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := sources.ReadFile(name)
		want[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("packed.flate", pack(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got := Files()
	for name, content := range want {
		if packed, ok := got[name]; !ok || packed != content {
			t.Errorf("packed.flate does not have %s as it is; run make pack", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("packed.flate has %s, which is no source; run make pack", name)
	}
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.Contains(files[name], "\x00") {
			t.Fatalf("%s has a zero byte in it, which ends a file in the format of packed.flate", name)
		}
		if _, err := w.Write([]byte(name + "\x00" + files[name] + "\x00")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
