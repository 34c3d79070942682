//go:build !race

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wasmlane/wasmlane/abi/conformance/suite"
)

// Every language that is supported passes every case.
func TestGuests(t *testing.T) {
	cases, err := suite.Load(caseFiles, "cases")
	if err != nil {
		t.Fatal(err)
	}
	guests, err := os.ReadDir("guests")
	if err != nil {
		t.Fatal(err)
	}
	for _, guest := range guests {
		if !guest.IsDir() {
			t.Errorf("guests/%s is no directory", guest.Name())
			continue
		}
		t.Run(guest.Name(), func(t *testing.T) {
			setup := suite.Conformance(suite.BuildForTest(t, filepath.Join("guests", guest.Name())), t.TempDir())
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					if err := setup.Play(c); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}
