//go:build !brotli

package generation

// hasBrotli reports that the program can compress with brotli, which makes it 1.3 MB
// larger: build it with -tags brotli.
const hasBrotli = false

func appendBrotli(_, _ []byte) []byte { panic("built without brotli") }
