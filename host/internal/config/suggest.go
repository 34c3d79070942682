package config

import (
	"strings"
	"unicode"
)

// Nearest returns the option that name is most likely a slip for, or "" when
// none is near: one edit in short names, up to three in long ones. Case, "-"
// and "_" do not count. One name that begins with the other is near as well, from
// three letters on.
func Nearest(name string, options []string) string {
	want := plain(name)
	limit := min((len(want)+1)/4, 3)
	best, found := limit+1, ""
	for _, option := range options {
		have := plain(option)
		if len(have)-len(want) > limit || len(want)-len(have) > limit {
			continue
		}
		if d := edits(want, have); d < best {
			best, found = d, option
		}
	}
	if found != "" || len(want) < 3 {
		return found
	}
	for _, option := range options {
		have := plain(option)
		if strings.HasPrefix(have, want) || len(have) >= 3 && strings.HasPrefix(want, have) {
			if found != "" {
				return ""
			}
			found = option
		}
	}
	return found
}

// plain returns s without what Nearest does not count.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// edits returns how many letters must be inserted, removed, replaced or swapped
// with their neighbour to make a into b.
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
