// Package sdk holds the SDKs that "wasmlane new" copies beside a plugin, so that it
// builds without a network and fits the host that wrote it. The one for Go is a
// module of its own, which the go command fetches.
//
// They are packed, since as plain text they would be a fiftieth of the program: a
// stream of DEFLATE with the name and the content of each file, each followed by a
// zero byte, in the order of names and without times. After a change of an SDK "make
// pack" writes it anew; a test holds it equal to the sources.
package sdk

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"fmt"
	"io"
	"strings"
)

//go:embed packed.flate
var packed []byte

// Files returns the sources of the SDKs, without their tests, by their paths in this
// directory: "c/wasmlane.h".
func Files() map[string]string {
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic(fmt.Sprintf("packed.flate: %v", err)) // not where the test has passed
	}
	files := make(map[string]string)
	for rest := string(text); rest != ""; {
		var name, content string
		name, rest, _ = strings.Cut(rest, "\x00")
		content, rest, _ = strings.Cut(rest, "\x00")
		files[name] = content
	}
	return files
}
