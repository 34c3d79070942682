package abi

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The Rust SDK declares every function of the ABI, with the same parameters and
// result.
func TestRustSDKDeclaresTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../sdk/rust/src/imports.rs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range rustProblems(string(text)) {
		t.Error(problem)
	}
}

var (
	rustBlock = regexp.MustCompile(`(?s)#\[link\(wasm_import_module = "` + Module + `"\)\]\s*extern "C" \{(.*?)\n\s*\}`)
	rustFn    = regexp.MustCompile(`(?m)^\s*pub fn (\w+)\((.*)\)(?: -> (.+))?;$`)
)

// rustProblems holds the extern blocks of a source against the table.
func rustProblems(source string) (problems []string) {
	declared := make(map[string]bool)
	for _, block := range rustBlock.FindAllStringSubmatch(source, -1) {
		for _, m := range rustFn.FindAllStringSubmatch(block[1], -1) {
			got := Function{Name: m[1], Result: rustType(m[3])}
			known := m[3] == "" || got.Result != unknownType
			for _, p := range strings.Split(m[2], ", ") {
				if name, kind, ok := strings.Cut(p, ": "); ok {
					got.Params = append(got.Params, Param{name, rustType(kind)})
					known = known && rustType(kind) != unknownType
				}
			}
			declared[got.Name] = true
			want, ok := Lookup(got.Name)
			switch {
			case !ok:
				problems = append(problems, got.Name+" is no function of the ABI; correct the name, or add it to functions.go")
			case !known:
				problems = append(problems, got.Name+" has a type that is none of the ABI's")
			case signature(got) != signature(want):
				problems = append(problems, fmt.Sprintf("declares `%s`; functions.go has `%s`", signature(got), signature(want)))
			}
		}
	}
	for _, f := range Functions() {
		if !declared[f.Name] {
			problems = append(problems, fmt.Sprintf("`%s` is missing; declare it in sdk/rust/src/imports.rs", signature(f)))
		}
	}
	return problems
}

// rustType returns what the compiler makes of a type in an extern block.
func rustType(s string) Type {
	switch {
	case s == "":
		return 0
	case s == "i32" || s == "u32" || strings.HasPrefix(s, "*const ") || strings.HasPrefix(s, "*mut "):
		return I32
	case s == "i64" || s == "u64":
		return I64
	}
	return unknownType
}

// The checks above must be able to fail.
func TestRustSDKChecks(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../sdk/rust/src/imports.rs"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for change, to := range map[string]string{
		"        pub fn flush() -> i32;\n": "",
		"pub fn flush() -> i32;":           "pub fn flush();",
		"pub fn status(code: u32);":        "pub fn status(status: u32);",
		"pub fn body_size() -> i64;":       "pub fn body_size() -> i32;",
		"delta: i64":                       "delta: i32",
		"pub fn write(ptr: *const u8":      "pub fn write(ptr: &u8",
		"pub fn call_close(":               "pub fn call_closed(",
		`wasm_import_module = "` + Module:  `wasm_import_module = "other`,
	} {
		bad := strings.Replace(good, change, to, 1)
		if bad == good || rustProblems(bad) == nil {
			t.Errorf("%q instead of %q goes unnoticed", to, change)
		}
	}
}
