package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot begin says why, once, and exits with 2.
func TestCommandErrors(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.wasm")
	if err := os.WriteFile(empty, []byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01\x07\x0a\x01\x06memory\x02\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "usage: conformance"},
		{[]string{"none.wasm"}, "give the .wasm file of a conformance plugin"},
		{[]string{"README.md"}, "no WebAssembly module"},
		{[]string{empty}, `exports no handler "run"`},
		{[]string{"-run", "nonsense", empty}, `no case has "nonsense"`},
		{[]string{"a.wasm", "b.wasm"}, "usage: conformance"},
	} {
		var out, errs strings.Builder
		if code := run(c.args, &out, &errs); code != 2 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: exit %d, %q; want 2 and %q", c.args, code, errs.String(), c.want)
		}
	}
	var out strings.Builder
	if code := run([]string{"-list", "-run", "kv_add"}, &out, &out); code != 0 || !strings.HasPrefix(out.String(), "kv_add ") {
		t.Errorf("-list: exit %d, %q", code, out.String())
	}
}
