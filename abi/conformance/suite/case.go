package suite

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Case is one file of cases.
type Case struct {
	Name   string   // the file's, without ".txt"
	About  string   // its first comment
	Proves []Proof  // what it claims to prove
	Keys   []string // lines of host.toml, with dotted keys
	Routes []string // further patterns that lead to the handler "run"
	Steps  []*Step
}

// Proof is a function of the ABI with the codes that a case makes it give.
type Proof struct {
	Function string
	Codes    []string
}

// Kind says what a step does.
type Kind int

// The kinds of steps.
const (
	Ask        Kind = iota // send a request and look at the answer
	Log                    // wait for a line of the log
	Restart                // stop the host and open it again over the same files
	BreakStore             // take the contents of the store's file away
)

// Step is one thing that a case does.
type Step struct {
	Kind
	Line int

	Level string // of a Log; its text is that of Expect

	Request
	Expect
}

// Request is what an Ask sends.
type Request struct {
	Method, Target, Protocol string
	Header                   []Field
	Script                   []string
	Body                     string
	Chunks                   []string // when the body is chunked
	Chunked                  bool
	LeaveAfter               string // the peer whose receipt of a call makes the client leave
	Stall                    bool   // the client reads nothing
	Twice                    bool   // send it again; the bodies must differ
}

// Field is a header line.
type Field struct{ Name, Value string }

// Expect is what the answer must be.
type Expect struct {
	Status  int  // 0: any
	Cut     bool // the connection ends in the middle of the answer
	Unread  bool // nobody reads the answer
	Has     []Field
	Lacks   []string
	HasBody bool
	Text    string
	JSON    bool // Text is JSON, and the body must mean the same
}

// Load reads every case of a directory, in the order of their names.
func Load(files fs.FS, dir string) ([]*Case, error) {
	names, err := fs.Glob(files, path.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no cases, *.txt, in %s", dir)
	}
	slices.Sort(names)
	var cases []*Case
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		c, err := Parse(strings.TrimSuffix(path.Base(name), ".txt"), string(text))
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}
