package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"unicode"
)

// The services in AssemblyScript and Zig bring tables of Unicode along, since their
// languages have none, or those of another version. An address must have the same
// form in every language that shares the data, so the tables agree with Go's.

func TestUnicodeTables(t *testing.T) {
	for _, name := range []string{"assemblyscript-users/assembly/tables.ts", "zig-users/src/tables.zig"} {
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range tableProblems(numbers(t, string(text))) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// numbers returns the elements of the two arrays in a file: what stands between the
// brackets or braces that begin and end on lines of their own.
func numbers(t *testing.T, text string) (ranges, cases []int) {
	t.Helper()
	arrays := regexp.MustCompile(`(?ms)= \S*[\[{]$(.*?)^[\]}];$`).FindAllStringSubmatch(text, -1)
	if len(arrays) != 2 {
		t.Fatalf("%d arrays; want the letters and the cases", len(arrays))
	}
	parse := func(array string) (all []int) {
		for _, word := range regexp.MustCompile(`-?\b(0x[0-9a-f]+|[0-9]+)\b`).FindAllString(array, -1) {
			n, err := strconv.ParseInt(word, 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, int(n))
		}
		return all
	}
	return parse(arrays[0][1]), parse(arrays[1][1])
}

// tableProblems returns the first character on which each table and Go differ.
func tableProblems(ranges, cases []int) (problems []string) {
	letters := make(map[rune]bool)
	for i := 0; i+1 < len(ranges); i += 2 {
		for c := ranges[i]; c <= ranges[i+1]; c++ {
			letters[rune(c)] = true
		}
	}
	lower := make(map[rune]rune)
	for i := 0; i+3 < len(cases); i += 4 {
		for c := cases[i]; c <= cases[i+1]; c += cases[i+2] {
			lower[rune(c)] = rune(c + cases[i+3])
		}
	}
	differ := func(what string, same func(c rune) bool) {
		for c := range rune(unicode.MaxRune + 1) {
			if !same(c) {
				problems = append(problems, strconv.QuoteRuneToASCII(c)+" is another "+what+" than in Go, which has Unicode "+unicode.Version)
				return
			}
		}
	}
	differ("letter or digit", func(c rune) bool { return letters[c] == (unicode.IsLetter(c) || unicode.IsDigit(c)) })
	differ("lower case", func(c rune) bool {
		if l, ok := lower[c]; ok {
			return l == unicode.ToLower(c)
		}
		return unicode.ToLower(c) == c
	})
	return problems
}

// The check above must be able to fail.
func TestUnicodeTablesCheck(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("zig-users/src/tables.zig"))
	if err != nil {
		t.Fatal(err)
	}
	ranges, cases := numbers(t, string(text))
	if got := tableProblems(ranges[2:], cases); len(got) != 1 {
		t.Errorf("without the first range: %q", got)
	}
	if got := tableProblems(ranges, cases[4:]); len(got) != 1 {
		t.Errorf("without the first case: %q", got)
	}
}
