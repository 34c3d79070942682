package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/abi/conformance/suite"
)

// codes says which codes each function can give, by the specification.
func codes() map[string][]abi.Code {
	store := []abi.Code{abi.Invalid, abi.Unavailable}
	write := append(slices.Clone(store), abi.Denied, abi.Timeout)
	return map[string][]abi.Code{
		"request":     {abi.Invalid},
		"param":       {abi.Absent},
		"query":       {abi.Absent},
		"header":      {abi.Absent},
		"header_name": {abi.Absent},
		"body_size":   nil,
		"body":        nil,
		"status":      nil, // traps
		"set_header":  {abi.Invalid, abi.TooLarge},
		"add_header":  {abi.Invalid, abi.TooLarge},
		"write":       {abi.TooLarge, abi.Closed, abi.Timeout},
		"flush":       {abi.Closed, abi.Timeout},
		"log":         nil,
		"config":      {abi.Absent},
		"kv_get":      append(slices.Clone(store), abi.Absent, abi.Timeout),
		"kv_set":      append(slices.Clone(write), abi.TooLarge),
		"kv_delete":   write,
		"kv_add":      write,
		"kv_swap":     append(slices.Clone(write), abi.TooLarge),
		"kv_list":     append(slices.Clone(store), abi.Absent, abi.Timeout),
		"call":        {abi.Invalid, abi.Denied, abi.Timeout, abi.Unavailable, abi.TooLarge, abi.Closed},
		"call_status": {abi.Invalid},
		"call_header": {abi.Invalid, abi.Absent},
		"call_body":   {abi.Invalid},
		"call_close":  nil,
	}
}

// beyond are the codes that no case can ask for, each with the reason.
func beyond() map[string]string {
	const init = "the initialiser of the plugin writes with kv_set alone"
	const read = "reads of the store on this machine wait for nothing; the code is for stores elsewhere"
	const kept = "an SDK may keep what it knows of an answer, and ask the host no more"
	return map[string]string{
		"request INVALID":     "no SDK lets a plugin ask for a field by number",
		"kv_get TIMEOUT":      read,
		"kv_list TIMEOUT":     read,
		"kv_delete DENIED":    init,
		"kv_add DENIED":       init,
		"kv_swap DENIED":      init,
		"call_status INVALID": kept,
		"call_header INVALID": kept,
	}
}

// commands are those of the plugin that use a function, where the name differs.
func commands(function string) []string {
	switch function {
	case "body":
		return []string{"body", "body_part"}
	case "write":
		return []string{"write", "drip", "json"}
	case "flush":
		return []string{"flush", "drip"}
	case "kv_swap":
		return []string{"kv_swap", "kv_create"}
	case "kv_list":
		return []string{"kv_list", "kv_keys"}
	case "call_body":
		return []string{"call_body", "call_part"}
	case "kv_get", "kv_set", "config":
		return []string{function, "init"}
	}
	return []string{function}
}

func TestCasesCoverTheABI(t *testing.T) {
	cases, err := suite.Load(caseFiles, "cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range gaps(cases) {
		t.Error(problem)
	}
}

// gaps says what of the ABI no case proves, and what a case claims to prove and
// cannot.
func gaps(cases []*suite.Case) (problems []string) {
	proved := make(map[string]bool)
	table := codes()
	for _, c := range cases {
		for _, p := range c.Proves {
			possible, known := table[p.Function]
			if !known {
				problems = append(problems, fmt.Sprintf("%s.txt proves %s, which is no function of the ABI", c.Name, p.Function))
				continue
			}
			if !uses(c, p.Function) {
				problems = append(problems, fmt.Sprintf("%s.txt proves %s and has no command that uses it", c.Name, p.Function))
			}
			proved[p.Function] = true
			for _, name := range p.Codes {
				if !slices.ContainsFunc(possible, func(code abi.Code) bool { return code.String() == name }) {
					problems = append(problems, fmt.Sprintf("%s.txt: %s does not give %s", c.Name, p.Function, name))
				}
				if !slices.ContainsFunc(c.Steps, func(s *suite.Step) bool { return strings.Contains(s.Text, "!"+name) }) {
					problems = append(problems, fmt.Sprintf("%s.txt proves %s %s and expects no !%s", c.Name, p.Function, name, name))
				}
				proved[p.Function+" "+name] = true
			}
		}
	}
	excused := beyond()
	for _, f := range abi.Functions() {
		possible, known := table[f.Name]
		if !known {
			problems = append(problems, fmt.Sprintf("%s is not in the table of codes; add it to codes in coverage_test.go", f.Name))
		}
		if !proved[f.Name] {
			problems = append(problems, f.Name+" has no case; write one with the line: proves "+f.Name)
		}
		for _, code := range possible {
			pair := f.Name + " " + code.String()
			if !proved[pair] && excused[pair] == "" {
				problems = append(problems, pair+" has no case; write one with the line: proves "+pair)
			}
			if proved[pair] && excused[pair] != "" {
				problems = append(problems, pair+" is excused and proved; take it out of beyond")
			}
			delete(excused, pair)
		}
	}
	for _, pair := range slices.Sorted(maps.Keys(excused)) {
		problems = append(problems, pair+" is excused and is no pair of the table")
	}
	return problems
}

func uses(c *suite.Case, function string) bool {
	for _, s := range c.Steps {
		for _, line := range s.Script {
			for command := range strings.SplitSeq(line, ";") {
				word, _, _ := strings.Cut(command, " ")
				if slices.Contains(commands(function), word) {
					return true
				}
			}
		}
	}
	return false
}

// The check above must be able to fail.
func TestCoverageCheck(t *testing.T) {
	cases, err := suite.Load(caseFiles, "cases")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if c.Name == "kv_unavailable" {
			if got := gaps(slices.Delete(slices.Clone(cases), i, i+1)); len(got) != 6 {
				t.Errorf("without %s: %q", c.Name, got)
			}
		}
	}
	for text, want := range map[string]string{
		"proves nothing\n> GET /run\n| body\n< 200\n":                          "no function of the ABI",
		"proves body\n> GET /run\n| query a 0\n< 200\n":                        "no command that uses it",
		"proves body ABSENT\n> GET /run\n| body\n< 200\n= !ABSENT\n":           "body does not give ABSENT",
		"proves query ABSENT\n> GET /run\n| query a 0\n< 200\n= 1\n":           "expects no !ABSENT",
		"proves request INVALID\n> GET /run\n| request x\n< 200\n= !INVALID\n": "is excused and proved",
	} {
		c, err := suite.Parse("bad", text)
		if err != nil {
			t.Fatal(err)
		}
		if got := gaps(append(slices.Clone(cases), c)); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%q: %q; want %q", text, got, want)
		}
	}
}
