package toolchain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// goLeast is the first Go with go:wasmexport.
const goLeast = "1.24"

func planGo(t *tools, dir, out string) (*plan, error) {
	program := t.find("go")
	if program == "" {
		return nil, Go.missing("the go command is not in PATH")
	}
	// In dir, since go.mod may choose another one.
	got, err := t.ask(dir, nil, program, "env", "GOVERSION")
	if err != nil {
		return nil, fmt.Errorf("%s env GOVERSION: %w", program, err)
	}
	if have, _, _ := strings.Cut(got, " "); version.IsValid(have) && version.Compare(have, "go"+goLeast) < 0 {
		return nil, Go.missing(fmt.Sprintf("%s is %s; plugins need go%s or later", program, have, goLeast))
	}
	module := upwards(dir, func(dir string) string {
		if file := filepath.Join(dir, "go.mod"); exists(file) {
			return file
		}
		return ""
	})
	if module == "" {
		return nil, errors.New("there are Go sources but no go.mod; write one with go mod init example.com/NAME")
	}
	name := filepath.Base(dir)
	if filepath.Dir(module) == dir {
		text, err := os.ReadFile(module)
		if err != nil {
			return nil, err
		}
		if path := modulePath(text); path != "" {
			name = lastElement(path)
		}
	}
	return &plan{
		name: name,
		// No revision in the module: its bytes change with its sources only.
		argv: []string{program, "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "."},
		env:  []string{"GOOS=wasip1", "GOARCH=wasm"},
	}, nil
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// modulePath returns the path in a go.mod, without a major version, or "".
func modulePath(text []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == "module" {
			return majorVersion.ReplaceAllString(strings.Trim(fields[1], "\"`"), "")
		}
	}
	return ""
}
