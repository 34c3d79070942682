//go:build !race

package examples

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wasmlane/wasmlane/abi/conformance/suite"
)

var figures = flag.Bool("figures", false, "measure the figures of the documentation and print them")

// TestFigures prints the size of the user service in each language, and what one
// idle instance of it keeps in memory, as a table in Markdown:
//
//	go test ./examples -run TestFigures -v -figures
//
// The memory is the median of five hosts, with the lowest and the highest.
func TestFigures(t *testing.T) {
	if !*figures {
		t.Skip("run go test ./examples -run TestFigures -v -figures")
	}
	guest := suite.BuildForTest(t, filepath.FromSlash(planter))
	all := implementations(t)
	fmt.Print("| language | bytes | resident memory of an idle instance |\n|---|--:|--:|\n")
	for _, language := range slices.Sorted(maps.Keys(all)) {
		t.Run(language, func(t *testing.T) {
			wasm := suite.BuildForTest(t, all[language])
			info, err := os.Stat(wasm)
			if err != nil {
				t.Fatal(err)
			}
			setup := service(wasm, wasm, guest, t.TempDir())
			create := &suite.Request{Method: "POST", Target: "/users", Protocol: "HTTP/1.1",
				Body: `{"name":"Ada","email":"ada@example.com"}`}
			var each []float64
			for range 5 {
				bytes, err := setup.Resident("user", 64, create)
				if err != nil {
					t.Fatal(err)
				}
				each = append(each, bytes/1000)
			}
			slices.Sort(each)
			fmt.Printf("| %s | %d | %.0f KB (%.0f to %.0f) |\n", language, info.Size(), each[2], each[0], each[4])
		})
	}
}
