package abi

import (
	"strings"
	"testing"
)

func TestIsHandler(t *testing.T) {
	for name, want := range map[string]bool{
		"get_user":         true,
		"a":                true,
		"a1_":              true,
		"wasmlane":         true, // the prefix ends in "_"
		"wasmlaneinit":     true,
		"my_wasmlane_x":    true,
		"":                 false,
		"_initialize":      false,
		"_start":           false,
		"1st":              false,
		"GetUser":          false,
		"getUser":          false,
		"get-user":         false,
		"get user":         false,
		"get.user":         false,
		"größe":            false,
		"a\x00":            false,
		"wasmlane_":        false,
		"wasmlane_init":    false,
		"wasmlane_unknown": false,
	} {
		if got := IsHandler(name); got != want {
			t.Errorf("IsHandler(%q) is %v", name, got)
		}
	}
	for _, name := range []string{ExportInitialize, ExportInit, ExportStart} {
		if IsHandler(name) {
			t.Errorf("the host's own export %q counts as a handler", name)
		}
	}
}

func TestCodes(t *testing.T) {
	seen := make(map[int64]string)
	for name, value := range constants(t, "Code") {
		if got, want := Code(value).String(), specName(name); got != want {
			t.Errorf("%s is called %q; want %q", name, got, want)
		}
		if value >= 0 {
			t.Errorf("%s is %d: a result of zero or more is never a code", name, value)
		}
		if other, ok := seen[value]; ok {
			t.Errorf("%s and %s are both %d", name, other, value)
		}
		seen[value] = name
	}
	for _, c := range []Code{0, 1, -100} {
		if c.String() != "OK" {
			t.Errorf("Code(%d) is called %q", c, c)
		}
	}
}

// A guest hands these over as numbers, and the host compares against the largest.
func TestFieldsAndLevelsLeaveNoGap(t *testing.T) {
	for _, typ := range []string{"Field", "Level"} {
		all := constants(t, typ)
		seen := make(map[int64]string)
		for name, value := range all {
			if !strings.HasPrefix(name, typ) {
				t.Errorf("%s is a %s; its name should start with that", name, typ)
			}
			if value < 0 || value >= int64(len(all)) {
				t.Errorf("%s is %d; want 0 to %d", name, value, len(all)-1)
			}
			if other, ok := seen[value]; ok {
				t.Errorf("%s and %s are both %d", name, other, value)
			}
			seen[value] = name
		}
	}
}
