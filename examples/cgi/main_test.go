package main

import (
	"strings"
	"testing"
)

func TestAnswer(t *testing.T) {
	for _, c := range []struct{ method, text, want string }{
		{"POST", "to be or\nnot to be", "Content-Type: text/plain\n\n6 words\n"},
		{"POST", "", "Content-Type: text/plain\n\n0 words\n"},
		{"GET", "", "Status: 405 Method Not Allowed\n"},
	} {
		var out strings.Builder
		if err := answer(c.method, strings.NewReader(c.text), &out); err != nil || !strings.HasPrefix(out.String(), c.want) {
			t.Errorf("%s %q: %q, %v", c.method, c.text, out.String(), err)
		}
	}
}
