package abi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The Go SDK declares every function of the ABI, with the same parameters and
// result. It cannot use this package: plugins are built from its module alone.

func TestGoSDKDeclaresTheTable(t *testing.T) {
	files, err := filepath.Glob(filepath.FromSlash("../sdk/go/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources[filepath.ToSlash(file)] = string(text)
	}
	for _, problem := range importProblems(sources) {
		t.Error(problem)
	}
}

// importProblems holds the go:wasmimport declarations of Go files, given by name,
// against the table.
func importProblems(sources map[string]string) (problems []string) {
	declared := make(map[string]bool)
	for name, text := range sources {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		for _, d := range file.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Doc == nil {
				continue
			}
			for _, comment := range decl.Doc.List {
				words := strings.Fields(comment.Text)
				if len(words) == 0 || words[0] != "//go:wasmimport" || len(words) == 3 && words[1] == "wasi_snapshot_preview1" {
					continue
				}
				at := files.Position(comment.Pos()).String() + ": "
				if len(words) != 3 || words[1] != Module {
					problems = append(problems, fmt.Sprintf("%s%s; write //go:wasmimport %s and a function", at, comment.Text, Module))
					continue
				}
				declared[words[2]] = true
				if problem := compare(words[2], decl.Type); problem != "" {
					problems = append(problems, at+problem)
				}
			}
		}
	}
	for _, f := range Functions() {
		if !declared[f.Name] {
			problems = append(problems, fmt.Sprintf("sdk/go: `%s` is missing; declare it in imports_wasip1.go with //go:wasmimport %s %s",
				signature(f), Module, f.Name))
		}
	}
	return problems
}

// compare says how a declaration in Go differs from the function of that name.
func compare(name string, got *ast.FuncType) string {
	want, ok := Lookup(name)
	if !ok {
		return name + " is no function of the ABI; correct the name, or add it to functions.go"
	}
	declared := Function{Name: name, Params: nil}
	for _, field := range got.Params.List {
		for _, param := range field.Names {
			declared.Params = append(declared.Params, Param{param.Name, wasmType(field.Type)})
		}
	}
	if got.Results != nil && len(got.Results.List) > 0 {
		declared.Result = wasmType(got.Results.List[0].Type)
	}
	// The signature leaves i32 out; a type that is none of the ABI's must not pass
	// for one.
	for _, p := range append(declared.Params, Param{"the result", declared.Result}) {
		if p.Type == unknownType {
			return fmt.Sprintf("%s: %s has a type that is none of the ABI's", name, p.Name)
		}
	}
	if a, b := signature(declared), signature(want); a != b {
		return fmt.Sprintf("declares `%s`; functions.go has `%s`", a, b)
	}
	return ""
}

// unknownType is what wasmType returns for a type that no parameter has.
const unknownType = Type(0xff)

// wasmType returns what the compiler makes of a type in a go:wasmimport.
func wasmType(e ast.Expr) Type {
	switch t := e.(type) {
	case *ast.Ident:
		switch t.Name {
		case "int32", "uint32", "bool", "uintptr":
			return I32
		case "int64", "uint64":
			return I64
		}
	case *ast.StarExpr:
		return I32
	case *ast.SelectorExpr:
		if x, ok := t.X.(*ast.Ident); ok && x.Name == "unsafe" && t.Sel.Name == "Pointer" {
			return I32
		}
	}
	return unknownType
}

// The checks above must be able to fail.
func TestGoSDKChecks(t *testing.T) {
	var b strings.Builder
	b.WriteString("package sdk\n\nimport \"unsafe\"\n\nvar _ unsafe.Pointer\n")
	for _, f := range Functions() {
		var params []string
		for _, p := range f.Params {
			params = append(params, p.Name+" "+map[Type]string{I32: "uint32", I64: "int64"}[p.Type])
		}
		fmt.Fprintf(&b, "\n//go:noescape\n//go:wasmimport %s %s\nfunc host_%s(%s) %s\n", Module, f.Name, f.Name, strings.Join(params, ", "),
			map[Type]string{I32: "int32", I64: "int64"}[f.Result])
	}
	good := b.String()
	if problems := importProblems(map[string]string{"good.go": good}); problems != nil {
		t.Errorf("good declarations: %q", problems)
	}
	for change, to := range map[string]string{
		"//go:wasmimport wasmlane_v1 flush\n":                "",
		"//go:wasmimport wasmlane_v1 flush":                  "//go:wasmimport wasmlane_v1 flushed",
		"//go:wasmimport wasmlane_v1 body\n":                 "//go:wasmimport wasmlane_v2 body\n",
		"//go:wasmimport wasmlane_v1 write":                  "//go:wasmimport wasmlane_v1",
		"delta int64":                                        "delta int32",
		"func host_body_size() int64":                        "func host_body_size() int32",
		"func host_flush() int32":                            "func host_flush()",
		"func host_status(code uint32)":                      "func host_status(code uint32) int32",
		"func host_status(code uint32) ":                     "func host_status(status uint32) ",
		"func host_write(ptr uint32, len uint32)":            "func host_write(len uint32, ptr uint32)",
		"func host_kv_delete(key uint32, key_len uint32)":    "func host_kv_delete(key string, key_len uint32)",
		"func host_log(level uint32, ptr uint32, len uint32": "func host_log(level uint32, ptr uint32",
	} {
		bad := strings.Replace(good, change, to, 1)
		if bad == good || importProblems(map[string]string{"bad.go": bad}) == nil {
			t.Errorf("%q instead of %q goes unnoticed", to, change)
		}
	}
	for _, same := range []string{"key unsafe.Pointer", "key *byte", "key bool", "key int32"} {
		text := strings.ReplaceAll(good, "key uint32", same)
		if problems := importProblems(map[string]string{"same.go": text}); text == good || problems != nil {
			t.Errorf("%s is not taken for an i32: %q", same, problems)
		}
	}
}
