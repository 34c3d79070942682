package abi

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wasmlane.h declares every function of the ABI, with the same parameters and
// result.

func TestCHeaderDeclaresTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../sdk/c/wasmlane.h"))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range headerProblems(string(text)) {
		t.Error("sdk/c/wasmlane.h: " + problem)
	}
}

var declaration = regexp.MustCompile(`(?m)^WL_IMPORT\("([^"]*)"\) (\w+) wl_host_(\w+)\((.*)\);$`)

// headerProblems holds the declarations of a header against the table.
func headerProblems(text string) (problems []string) {
	declared := make(map[string]bool)
	for _, m := range declaration.FindAllStringSubmatch(text, -1) {
		name, result, function, params := m[1], m[2], m[3], m[4]
		want, ok := Lookup(name)
		if !ok {
			problems = append(problems, name+" is no function of the ABI; correct the name, or add it to functions.go")
			continue
		}
		declared[name] = true
		if function != name {
			problems = append(problems, fmt.Sprintf("%s is declared as wl_host_%s; call it wl_host_%s", name, function, name))
		}
		got, problem := cFunction(name, result, params)
		if problem == "" && signature(got) != signature(want) {
			problem = fmt.Sprintf("declares `%s`; functions.go has `%s`", signature(got), signature(want))
		}
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	if strings.Count(text, "\nWL_IMPORT(\"") != len(declared) {
		problems = append(problems, `a declaration is none of the form WL_IMPORT("name") type wl_host_name(…); on one line, or stands twice`)
	}
	for _, f := range Functions() {
		if !declared[f.Name] {
			problems = append(problems, fmt.Sprintf("`%s` is missing; declare it with WL_IMPORT(%q)", signature(f), f.Name))
		}
	}
	if !strings.Contains(text, fmt.Sprintf("WL_IMPORT_FROM(%q, name)", Module)) {
		problems = append(problems, "WL_IMPORT does not import from "+Module)
	}
	return problems
}

// cFunction is what the compiler makes of a declaration.
func cFunction(name, result, params string) (f Function, problem string) {
	f.Name = name
	types := map[string]Type{"int32_t": I32, "uint32_t": I32, "int64_t": I64, "uint64_t": I64, "void": 0}
	returned, ok := types[result]
	if !ok {
		return f, fmt.Sprintf("%s returns %s, which is none of the ABI's types", name, result)
	}
	f.Result = returned
	if params == "void" {
		return f, ""
	}
	for param := range strings.SplitSeq(params, ", ") {
		at := strings.LastIndexAny(param, " *")
		declared := strings.TrimSpace(param[:at+1])
		typ := types[declared]
		if slices.Contains([]string{"void *", "const void *", "int64_t *"}, declared) {
			typ = I32
		}
		if typ == 0 {
			return f, fmt.Sprintf("%s: %q has a type that is none of the ABI's", name, param)
		}
		f.Params = append(f.Params, Param{strings.TrimSuffix(param[at+1:], "_"), typ}) // new is a word of C++
	}
	return f, ""
}

// The checks above must be able to fail.
func TestCHeaderChecks(t *testing.T) {
	b, err := os.ReadFile(filepath.FromSlash("../sdk/c/wasmlane.h"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	for change, to := range map[string]string{
		`WL_IMPORT("flush") int32_t wl_host_flush(void);`: "",
		`WL_IMPORT("flush")`:                              `WL_IMPORT("flushed")`,
		"wl_host_flush(void)":                             "wl_host_flash(void)",
		`WL_IMPORT_FROM("wasmlane_v1", name)`:             `WL_IMPORT_FROM("wasmlane_v2", name)`,
		"int64_t wl_host_body_size(void)":                 "int32_t wl_host_body_size(void)",
		"int64_t delta":                                   "int32_t delta",
		"void wl_host_status(uint32_t code)":              "int32_t wl_host_status(uint32_t code)",
		"wl_host_write(const void *ptr, ":                 "wl_host_write(",
		"wl_host_call_status(int32_t handle)":             "wl_host_call_status(double handle)",
		"int32_t wl_host_call_status":                     "float wl_host_call_status",
		"wl_host_call_close(int32_t handle);":             "wl_host_call_close(\nint32_t handle);",
		"wl_host_log(uint32_t level, const vo":            "wl_host_log(uint32_t severity, const vo",
	} {
		bad := strings.Replace(good, change, to, 1)
		if bad == good || headerProblems(bad) == nil {
			t.Errorf("%q instead of %q goes unnoticed", to, change)
		}
	}
}
