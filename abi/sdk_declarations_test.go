package abi

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dialect is how a language declares the functions of the host, and where its SDK
// does. A declaration has the groups module, name, params and result.
type dialect struct {
	file        string
	declaration *regexp.Regexp
	types       map[Type]string // a pattern for the types that become this one
	void        string
}

func dialects() map[string]dialect {
	return map[string]dialect{
		"AssemblyScript": {
			file: "../sdk/assemblyscript/assembly/imports.ts",
			declaration: regexp.MustCompile(`@external\("(?P<module>[^"]*)", "(?P<name>[^"]*)"\)\s*` +
				`export declare function \w+\((?P<params>[^)]*)\): (?P<result>\w+);`),
			types: map[Type]string{I32: `u32|i32|usize|bool`, I64: `u64|i64`},
			void:  "void",
		},
		"Zig": {
			file: "../sdk/zig/imports.zig",
			declaration: regexp.MustCompile(`pub extern "(?P<module>[^"]*)" fn (?P<name>\w+)` +
				`\((?P<params>[^)]*)\) (?P<result>\w+);`),
			types: map[Type]string{I32: `u32|i32|\??\[\*\](const )?u8|\*i64`, I64: `u64|i64`},
			void:  "void",
		},
	}
}

// The SDKs declare every function of the ABI, with the same parameters and result.
func TestSDKsDeclareTheTable(t *testing.T) {
	for language, d := range dialects() {
		text, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range d.problems(string(text)) {
			t.Errorf("%s: %s: %s", language, d.file, problem)
		}
	}
}

// problems holds the declarations in a file against the table.
func (d dialect) problems(text string) (problems []string) {
	found := d.declaration.FindAllStringSubmatch(text, -1)
	// A declaration in another form must not go unnoticed.
	if n := strings.Count(text, "wasmlane_v1") + strings.Count(text, "wasi_snapshot_preview1"); n != len(found) {
		problems = append(problems, fmt.Sprintf("%d declarations are written like the others, of %d that name a module", len(found), n))
	}
	declared := make(map[string]bool)
	for _, match := range found {
		group := func(name string) string { return match[d.declaration.SubexpIndex(name)] }
		name := group("name")
		if group("module") == "wasi_snapshot_preview1" {
			continue
		}
		want, known := Lookup(name)
		if group("module") != Module || !known {
			problems = append(problems, fmt.Sprintf("%s.%s is no function of the ABI", group("module"), name))
			continue
		}
		if declared[name] {
			problems = append(problems, name+" is declared twice")
		}
		declared[name] = true
		got := Function{Name: name, Result: d.typeOf(group("result"))}
		for param := range strings.SplitSeq(group("params"), ", ") {
			if param, kind, ok := strings.Cut(param, ": "); ok {
				// "new" is a word of the language in AssemblyScript.
				got.Params = append(got.Params, Param{strings.TrimSuffix(param, "_"), d.typeOf(kind)})
			}
		}
		if !slices.Equal(got.Params, want.Params) || got.Result != want.Result {
			problems = append(problems, fmt.Sprintf("declares `%s`; functions.go has `%s`", match[0], signature(want)))
		}
	}
	for _, f := range Functions() {
		if !declared[f.Name] {
			problems = append(problems, fmt.Sprintf("`%s` is missing", signature(f)))
		}
	}
	return problems
}

// typeOf returns the type that one of the language becomes, or unknownType.
func (d dialect) typeOf(text string) Type {
	for kind, pattern := range d.types {
		if regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text) {
			return kind
		}
	}
	if text == d.void {
		return 0
	}
	return unknownType
}

// The checks above must be able to fail.
func TestSDKDeclarationChecks(t *testing.T) {
	changes := map[string]map[string]string{
		"AssemblyScript": {
			`@external("wasmlane_v1", "flush")`: `@external("wasmlane_v1", "flushed")`,
			`@external("wasmlane_v1", "body")`:  `@external("wasmlane_v2", "body")`,
			`delta: i64`:                        `delta: i32`,
			`host_body_size(): i64`:             `host_body_size(): i32`,
			`host_status(code: u32): void`:      `host_status(code: u32): i32`,
			`host_write(ptr: usize, len: u32)`:  `host_write(len: u32, ptr: usize)`,
			`host_log(level: u32, `:             `host_log(`,
			`host_param(name: usize`:            `host_param(name: string`,
			`declare function host_config(`:     `declare let host_config(`,
		},
		"Zig": {
			`fn flush()`:                                 `fn flushed()`,
			`"wasmlane_v1" fn body(`:                     `"wasmlane_v2" fn body(`,
			`delta: i64`:                                 `delta: i32`,
			`fn body_size() i64`:                         `fn body_size() i32`,
			`fn status(code: u32) void`:                  `fn status(code: u32) i32`,
			`fn write(ptr: [*]const u8, len: u32)`:       `fn write(len: u32, ptr: [*]const u8)`,
			`fn log(level: u32, `:                        `fn log(`,
			`fn param(name: [*]const u8`:                 `fn param(name: []const u8`,
			`pub extern "wasmlane_v1" fn config(`:        `extern "wasmlane_v1" fn config(`,
			"pub extern \"wasmlane_v1\" fn flush() i32;": "",
		},
	}
	for language, d := range dialects() {
		text, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		for change, to := range changes[language] {
			bad := strings.Replace(string(text), change, to, 1)
			if bad == string(text) || d.problems(bad) == nil {
				t.Errorf("%s: %q instead of %q goes unnoticed", language, to, change)
			}
		}
	}
}
