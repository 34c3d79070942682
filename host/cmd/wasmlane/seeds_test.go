//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A generator that was seeded while the plugin initialised gives every request the
// same numbers: its seed is in the image. The SDK's, seeded once per request, and
// crypto/rand do not. The first half is not a wish: this test says what authors of
// plugins have to know, and the documentation tells them.
func TestSeedsTravelWithTheImage(t *testing.T) {
	wasm := shared(t, "seeds.wasm", func(path string) error {
		return goBuild(filepath.Join("testdata", "seeds"), path, "GOOS=wasip1", "GOARCH=wasm", "-buildmode=c-shared")
	})
	s := emptySite(t)
	s.write("plugins/seeds.wasm", read(t, wasm))
	s.write("host.toml", smallConfig(t, `
[[route]]
path    = "/numbers"
handler = "seeds.numbers"
`))
	p := s.start()
	seen := [3]map[string]bool{{}, {}, {}}
	const requests = 10
	for range requests {
		words := strings.Fields(p.get("/numbers").want(200).body)
		if len(words) != len(seen) {
			t.Fatalf("the answer is %q", words)
		}
		for i, word := range words {
			seen[i][word] = true
		}
	}
	for i, want := range [...]struct {
		origin string
		count  int
	}{{"a generator in a variable", 1}, {"wasmlane.Rand", requests}, {"crypto/rand", requests}} {
		if got := len(seen[i]); got != want.count {
			t.Errorf("%s gave %d different numbers in %d requests, want %d", want.origin, got, requests, want.count)
		}
	}
}
