package host

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Each line that the host logs as a warning or an error is explained in
// docs/operations.md, by its text as it stands in the code.
func TestErrorLogsAreDocumented(t *testing.T) {
	document := string(readFile(t, filepath.FromSlash("../docs/operations.md")))
	_, section, ok := strings.Cut(document, "\n## Error logs\n")
	if !ok {
		t.Fatal("docs/operations.md has no section Error logs")
	}
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for text, at := range loggedTexts(t, path) {
			found++
			if !strings.Contains(section, text) {
				t.Errorf("%s: %q is not in docs/operations.md; say there, under Error logs, what it means and what to do about it", at, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 40 {
		t.Errorf("only %d texts were found; does this test still know how the host logs?", found)
	}
}

// loggedTexts returns the texts of the warnings and errors that a file logs, and
// where.
func loggedTexts(t *testing.T, path string) map[string]token.Position {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]token.Position{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch function.Sel.Name {
		case "Warn", "Error": // log.Warn("…")
			if len(call.Args) > 0 && strings.HasSuffix(strings.ToLower(lastName(function.X)), "log") {
				if text := literal(call.Args[0]); text != "" {
					found[text] = files.Position(call.Pos())
				}
			}
		case "log": // g.log(x, slog.LevelWarn, "…")
			for i, arg := range call.Args[:len(call.Args)-1] {
				if name := lastName(arg); name == "LevelWarn" || name == "LevelError" {
					found[literal(call.Args[i+1])] = files.Position(call.Pos())
				}
			}
		}
		return true
	})
	return found
}

// lastName returns "log" of h.options.log.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// literal returns the text of a literal, also of []byte("…") and of the first part
// of "…" + x.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		return s
	case *ast.BinaryExpr:
		return literal(e.X)
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			return literal(e.Args[0])
		}
	}
	return ""
}
