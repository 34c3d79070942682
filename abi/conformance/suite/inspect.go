package suite

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/host"
)

// CheckFile says what is wrong with a file before a host says it less plainly.
func CheckFile(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w; give the .wasm file of a conformance plugin", err)
	}
	if !bytes.HasPrefix(b, []byte("\x00asm")) {
		return fmt.Errorf("%s is no WebAssembly module: it does not begin with \\0asm", file)
	}
	m, err := host.Inspect(file)
	if err != nil {
		return err
	}
	if !slices.Contains(m.Handlers, "run") {
		return fmt.Errorf("%s exports no handler \"run\", but %q; it is no conformance plugin. abi/conformance/README.md says what one does",
			file, strings.Join(m.Handlers, ", "))
	}
	return nil
}
