package sandbox

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/meter"
)

// metered is a module as the engine gets it: rewritten so that it can be stopped
// and put back.
type metered struct {
	*meter.Result // without Wasm when it is from the cache, see rewrites

	outline []byte            // of Wasm, nil until it is needed
	id      [sha256.Size]byte // how the engine knows the outline
}

// makeOutline sets the outline.
func (m *metered) makeOutline() (err error) {
	if m.outline, err = outline(m.Wasm); err == nil {
		m.id = engineID(m.outline)
	}
	return err
}

// meterOptions name what the rewriting adds.
func meterOptions() meter.Options {
	return meter.Options{
		Module:    meterModule,
		Yield:     meterYield,
		Prefix:    abi.ReservedPrefix,
		Allowed:   []string{abi.ExportInit},
		MaxLocals: maxLocals,
	}
}

// The host function that metered code calls. No guest can import it.
const (
	meterModule = "wasmlane_meter"
	meterYield  = "yield"
)

// originMark names the custom section with the original's checksum.
const originMark = "wasmlane.origin"

// instrument rewrites a module. Its errors are refusals.
func instrument(wasm []byte, l *layout) (*metered, error) {
	result, err := meter.Rewrite(capTables(wasm, l), meterOptions())
	if err != nil {
		return nil, refusef("%s", oneLine(err.Error()))
	}
	// The engine counts compiled modules by their bytes, which are the same for
	// originals that differ in what the rewriting leaves out. This keeps them
	// apart, so that each is compiled and closed for itself.
	sum := sha256.Sum256(wasm)
	result.Wasm = appendCustom(result.Wasm, originMark, sum[:])
	return &metered{Result: result}, nil
}

// noReset says why a module cannot be put back to an image, "" when it can.
func noReset(r meter.Reset) string {
	var why []string
	for _, c := range []struct {
		is         bool
		what, more string
	}{
		{r.Tables, "its code changes tables", r.TablesWhy},
		{r.Segments, "its code drops segments", r.SegmentsWhy},
		{r.RefGlobals, "a mutable global holds a reference", r.RefGlobalWhy},
	} {
		switch {
		case c.is && c.more != "":
			why = append(why, fmt.Sprintf("%s (%s)", c.what, c.more))
		case c.is:
			why = append(why, c.what)
		}
	}
	return strings.Join(why, ", ")
}

var errExports = errors.New("the rewritten module lacks an export")
