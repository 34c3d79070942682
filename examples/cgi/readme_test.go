package main

import (
	"os"
	"strings"
	"testing"
)

// The README shows the files of this directory.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"main.go", "main_test.go", "host.toml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "\n```"+language(file)+"\n"+string(text)+"```\n") {
			t.Errorf("README.md does not show %s as it is", file)
		}
	}
}

func language(file string) string { return file[strings.LastIndexByte(file, '.')+1:] }
