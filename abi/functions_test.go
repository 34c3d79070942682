package abi

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFunctions(t *testing.T) {
	word := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	groups := []Group{Request, Response, Platform, Store, Calls}
	used := make(map[Group]bool)
	names := make(map[string]bool)

	for _, f := range Functions() {
		if !word.MatchString(f.Name) || strings.HasPrefix(f.Name, ReservedPrefix) {
			t.Errorf("%q is no name for a function", f.Name)
		}
		if names[f.Name] {
			t.Errorf("%s stands twice", f.Name)
		}
		names[f.Name] = true

		if !slices.Contains(groups, f.Group) {
			t.Errorf("%s: unknown group %q", f.Name, f.Group)
		}
		used[f.Group] = true
		if f.Result != 0 && f.Result != I32 && f.Result != I64 {
			t.Errorf("%s: unknown result %#x", f.Name, byte(f.Result))
		}
		checkParams(t, f, word)
	}
	for _, g := range groups {
		if !used[g] {
			t.Errorf("no function is in the group %q", g)
		}
	}
}

// checkParams holds the parameters against the conventions: x_len follows the
// pointer x, and buf and cap end a function that yields bytes.
func checkParams(t *testing.T, f Function, word *regexp.Regexp) {
	seen := make(map[string]bool)
	for i, p := range f.Params {
		if !word.MatchString(p.Name) || seen[p.Name] {
			t.Errorf("%s: parameter %q is no name or stands twice", f.Name, p.Name)
		}
		seen[p.Name] = true
		if p.Type != I32 && p.Type != I64 {
			t.Errorf("%s: parameter %s has unknown type %#x", f.Name, p.Name, byte(p.Type))
		}
		of, isLen := strings.CutSuffix(p.Name, "_len")
		if isLen && (i == 0 || f.Params[i-1].Name != of) {
			t.Errorf("%s: %s does not follow %s", f.Name, p.Name, of)
		}
		if (isLen || p.Name == "buf" || p.Name == "cap" || p.Name == "ptr" || p.Name == "len") && p.Type != I32 {
			t.Errorf("%s: %s is %s; pointers and lengths are i32", f.Name, p.Name, p.Type)
		}
		if p.Name == "buf" && (i != len(f.Params)-2 || f.Params[i+1].Name != "cap" || f.Result != I32) {
			t.Errorf("%s: buf is not followed by cap at the end, or the length is not returned", f.Name)
		}
	}
	if seen["cap"] && !seen["buf"] {
		t.Errorf("%s: cap without buf", f.Name)
	}
}

func TestFunctionsBelongToTheCaller(t *testing.T) {
	first := Functions()
	first[0].Name = "changed"
	first[0].Params[0].Name = "changed"
	if f := Functions()[0]; f.Name == "changed" || f.Params[0].Name == "changed" {
		t.Error("a change to the slice shows in the next one")
	}
}

func TestLookup(t *testing.T) {
	for _, want := range Functions() {
		if got, ok := Lookup(want.Name); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("Lookup(%q) is %+v, %v", want.Name, got, ok)
		}
	}
	for _, name := range []string{"", "Request", "kv_", "malloc"} {
		if f, ok := Lookup(name); ok {
			t.Errorf("Lookup(%q) is %+v", name, f)
		}
	}
}

func TestGrants(t *testing.T) {
	for group, key := range map[Group]string{Request: "", Response: "", Platform: "", Store: "store", Calls: "calls"} {
		got, _, _ := strings.Cut(group.Grant(), " = ")
		if got != key {
			t.Errorf("the grant of %q is %q; want the key %q", group, group.Grant(), key)
		}
	}
}

func TestTypes(t *testing.T) {
	// The encoding of the binary format, which modules are compared against.
	if I32 != 0x7f || I64 != 0x7e || I32.String() != "i32" || I64.String() != "i64" {
		t.Errorf("i32 is %#x %s, i64 is %#x %s", byte(I32), I32, byte(I64), I64)
	}
}
