package abi

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// README.md is the specification. These tests fail when it and the tables of this
// package say different things.

func specification(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatalf("the specification of the ABI is missing: %v; write abi/README.md with every function, code, field and level", err)
	}
	return string(text)
}

// signature is the form in which the specification has a function.
func signature(f Function) string {
	var params []string
	for _, p := range f.Params {
		if p.Type == I64 {
			p.Name += " i64"
		}
		params = append(params, p.Name)
	}
	s := f.Name + "(" + strings.Join(params, ", ") + ")"
	if f.Result != 0 {
		s += " → " + f.Result.String()
	}
	return s
}

func TestSpecificationHasEveryFunction(t *testing.T) {
	for _, problem := range signatureProblems(specification(t)) {
		t.Error(problem)
	}
}

// signatureProblems wants the exact signature of every function, in backquotes. In
// the first cell of a table row and in a heading, where functions are defined, it
// accepts nothing else; elsewhere text may shorten, as in `kv_get(…)`.
func signatureProblems(spec string) (problems []string) {
	quoted := regexp.MustCompile("`([a-z][a-z0-9_]*)\\([^`]*`")
	defined := regexp.MustCompile("^(\\||#+) *`([a-z][a-z0-9_]*)(\\([^`]*)`")
	exact := make(map[string]bool)
	for n, line := range strings.Split(spec, "\n") {
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			if f, ok := Lookup(m[1]); ok && m[0] == "`"+signature(f)+"`" {
				exact[f.Name] = true
			}
		}
		if m := defined.FindStringSubmatch(line); m != nil {
			f, ok := Lookup(m[2])
			switch {
			case !ok:
				problems = append(problems, fmt.Sprintf("README.md:%d: %s is no function of the ABI; correct the name, or add it to functions.go", n+1, m[2]))
			case m[2]+m[3] != signature(f):
				problems = append(problems, fmt.Sprintf("README.md:%d: `%s`; functions.go has `%s`", n+1, m[2]+m[3], signature(f)))
			}
		}
	}
	for _, f := range Functions() {
		if !exact[f.Name] {
			problems = append(problems, fmt.Sprintf("README.md: `%s` is missing; add it in exactly this form", signature(f)))
		}
	}
	return problems
}

func TestSpecificationHasEveryNumber(t *testing.T) {
	spec := specification(t)
	for _, typ := range []string{"Code", "Field", "Level"} {
		for name, value := range constants(t, typ) {
			if word := specName(strings.TrimPrefix(name, typ)); !hasNumber(spec, value, word) {
				t.Errorf("README.md: the %s %s = %d is missing; write the number and the name side by side, such as | %d | %s |",
					strings.ToLower(typ), word, value, value, word)
			}
		}
	}
}

// hasNumber reports whether the number and the name stand side by side in one
// line, in either order, with nothing but punctuation between.
func hasNumber(spec string, value int64, name string) bool {
	const between = `[^0-9A-Za-z\n-]{1,8}`
	number, word := fmt.Sprint(value), "(?i:"+name+")"
	return regexp.MustCompile(`(^|[^0-9A-Za-z_-])`+number+between+word+`\b`).MatchString(spec) ||
		regexp.MustCompile(`\b`+word+between+number+`\b`).MatchString(spec)
}

// The checks above must be able to fail.
func TestSpecificationChecks(t *testing.T) {
	var b strings.Builder
	for _, f := range Functions() {
		fmt.Fprintf(&b, "| `%s` | says something |\n", signature(f))
	}
	good := b.String() + "`kv_get(…)` is short for it.\n"
	if problems := signatureProblems(good); problems != nil {
		t.Errorf("a good specification: %q", problems)
	}
	for change, to := range map[string]string{
		"`flush() → i32`":            "`flush()`",
		"`status(code)`":             "`status(code) → i32`",
		"delta i64":                  "delta",
		"| `body(buf, cap) → i32` |": "| nothing |",
		"| `call_close(handle)` |":   "| `call_close(handle)` |\n| `call_drop(handle)` |",
		"`log(level, ptr, len)`":     "`log(level, ptr, len)` |\n| `log(ptr, len)`",
	} {
		bad := strings.Replace(good, change, to, 1)
		if bad == good || signatureProblems(bad) == nil {
			t.Errorf("%q instead of %q goes unnoticed", to, change)
		}
	}

	for text, want := range map[string]bool{
		"| -1 | ABSENT |": true, "`-1` ABSENT": true, "| ABSENT | -1 |": true, "ABSENT = `-1`": true, "-1 (absent)": true,
		"1 ABSENT": false, "-11 ABSENT": false, "-1 | x | ABSENT": false, "ABSENT -12": false, "-1\nABSENT": false, "-1 ABSENTEE": false,
	} {
		if hasNumber(text, -1, "ABSENT") != want {
			t.Errorf("%q: found is %v", text, !want)
		}
	}
}

// constants returns the constants of a type of this package, from its source, so
// that a new one cannot be forgotten here.
func constants(t *testing.T, typ string) map[string]int64 {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	sources, _ := filepath.Glob("*.go")
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	pkg, err := new(types.Config).Check("abi", files, parsed, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]int64)
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		if named, ok := c.Type().(*types.Named); ok && named.Obj().Name() == typ {
			all[name], _ = constant.Int64Val(c.Val())
		}
	}
	if len(all) == 0 {
		t.Fatalf("no constants of type %s", typ)
	}
	return all
}

// specName writes a Go name as the specification does: RemoteAddr, REMOTE_ADDR;
// RequestID, REQUEST_ID.
func specName(name string) string {
	words := regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_$2")
	return strings.ToUpper(words)
}
