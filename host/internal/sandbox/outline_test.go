package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// An outline declares what the module does, validates, and only traps.
func TestOutline(t *testing.T) {
	whole, err := instrumented(counter().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	short, err := outline(whole)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	engine := newRuntime(t, Options{}).engine
	declared := func(wasm []byte) (names []string) {
		m, err := engine.CompileModule(ctx, wasm)
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range m.ExportedFunctions() {
			names = append(names, name+describe(f))
		}
		for name := range m.ExportedMemories() {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	if got, want := declared(short), declared(whole); !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("the outline declares %q, the module %q", got, want)
	}
	m, err := engine.InstantiateWithConfig(ctx, short, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	if _, err := m.ExportedFunction("count").Call(ctx); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("calling it: %v, want a trap", err)
	}
}

func describe(f api.FunctionDefinition) string {
	return string(f.ParamTypes()) + ":" + string(f.ResultTypes())
}

func instrumented(wasm []byte) ([]byte, error) {
	l, err := parse(wasm)
	if err != nil {
		return nil, err
	}
	m, err := instrument(wasm, l)
	if err != nil {
		return nil, err
	}
	return m.Wasm, nil
}

// Modules that differ in their instructions only have different outlines: code of
// one must never be found for the other.
func TestOutlinesDiffer(t *testing.T) {
	whole, err := instrumented(counter().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	// The instructions of the last function end before the custom section that
	// instrument adds; the byte is any inside of the code.
	other := bytes.Clone(whole)
	at := bytes.LastIndex(whole, []byte(originMark)) - 8
	other[at] ^= 1
	a, errA := outline(whole)
	b, errB := outline(other)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if bytes.Equal(a, b) {
		t.Error("they are the same")
	}
	if _, err := outline(whole[:len(whole)/2]); err == nil {
		t.Error("what is cut off has an outline")
	}
}

// An entry with a sound checksum that the engine does not take makes it compile
// the outline. That must never run, nor stay.
func TestOutlineIsNeverRun(t *testing.T) {
	needCompiler(t)
	for name, spoil := range map[string]func(b []byte) []byte{
		// The engine removes it and compiles what it was given.
		"other version": func(b []byte) []byte { b[7] ^= 1; return b },
		// The engine fails to read it.
		"garbage": func(b []byte) []byte { return []byte(strings.Repeat("garbage ", 100)) },
		"empty":   func([]byte) []byte { return nil },
		"cut":     func(b []byte) []byte { return b[:len(b)-9] },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cached(t, dir)
			entry := entriesIn(t, dir)[0]
			b, err := os.ReadFile(entry)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(entry, spoil(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := writeChecksum(entry, entry+sumSuffix); err != nil {
				t.Fatal(err)
			}
			if log := cached(t, dir); !strings.Contains(log, "cached=false") { // it calls the guest, too
				t.Errorf("log is\n%s", log)
			}
			if log := cached(t, dir); !strings.Contains(log, "cached=true") {
				t.Errorf("it was not repaired:\n%s", log)
			}
		})
	}
}

// A process that ended between compiling and moving leaves an entry that nothing
// vouches for.
func TestEntryLeftOver(t *testing.T) {
	needCompiler(t)
	dir := t.TempDir()
	cached(t, dir)
	entry := entriesIn(t, dir)[0]
	c := &cache{current: filepath.Dir(entry)}
	whole, err := instrumented(counter().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range c.names(engineID(whole)) {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(entry); err != nil {
		t.Fatal(err)
	}
	if log := cached(t, dir); !strings.Contains(log, "cached=false") || strings.Contains(log, "the cache failed") {
		t.Errorf("log is\n%s", log)
	}
	if files := entriesIn(t, dir); len(files) != 2 {
		t.Errorf("the cache has %q", files)
	}
}

// Another program's start tells it from this one, with a build ID and without.
func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	sums := map[string]string{}
	note := "ELF\x04\x00\x00\x00Go\x00\x00"
	for name, content := range map[string]string{
		"note": note + "abc", "other note": note + "abd",
		"text": "\xff Go build ID: \"abc\"", "none": strings.Repeat("x", buildIDWithin) + "a",
		"other": strings.Repeat("x", buildIDWithin) + "b", "empty": "",
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := identify(file)
		if err != nil {
			t.Fatal(err)
		}
		if was, found := sums[string(sum)]; found {
			t.Errorf("%q and %q are taken for the same", name, was)
		}
		sums[string(sum)] = name
	}
	// This test has one, so that a start does not read all of it.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(buildIDs, func(id []byte) bool { return bytes.Contains(b[:buildIDWithin], id) }) {
		t.Error("this program's build ID was not found")
	}
}

func FuzzOutline(f *testing.F) {
	f.Add(counter().Bytes())
	f.Add(spoiler().Bytes())
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if _, err := parse(wasm); err != nil {
			return
		}
		short, err := outline(wasm)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(short); err != nil {
			t.Errorf("the outline of a sound module is none: %v", err)
		}
	})
}
