package sandbox

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRewritesAreKept(t *testing.T) {
	dir := t.TempDir()
	var log logs
	w, err := openRewrites(dir, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	wasm := spoiler().Bytes()
	l, err := parse(wasm)
	if err != nil {
		t.Fatal(err)
	}
	made, err := instrument(wasm, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.makeOutline(); err != nil {
		t.Fatal(err)
	}
	key, other := [32]byte{1}, [32]byte{2}
	w.store(key, made)
	want := *made
	facts := *made.Result
	facts.Wasm = nil // the outline takes its place
	want.Result = &facts
	if got := w.load(key); got == nil || !reflect.DeepEqual(got, &want) {
		t.Errorf("got %+v, want %+v", got, &want)
	}
	if w.load(other) != nil {
		t.Error("another module was found")
	}
	// Another program does not use it.
	changed := *w
	changed.program = append([]byte{1}, w.program...)
	if changed.load(key) != nil {
		t.Error("another program found it")
	}
	if log.String() != "" {
		t.Errorf("log is\n%s", &log)
	}
	// Damage anywhere shows.
	file := w.file(key)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 32, 33, 50, len(good) - 1} {
		bad := append([]byte{}, good...)
		bad[at] ^= 1
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if w.load(key) != nil {
			t.Errorf("byte %d is damaged and nothing shows", at)
		}
		if err := os.WriteFile(file, good[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		if w.load(key) != nil {
			t.Errorf("cut at %d and nothing shows", at)
		}
	}
	if !strings.Contains(log.String(), "damaged") {
		t.Errorf("log is\n%s", &log)
	}
	w.store(key, made)
	if w.load(key) == nil {
		t.Error("it was not written anew")
	}
	left, _ := filepath.Glob(filepath.Join(w.dir, "*.tmp"))
	if len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}
