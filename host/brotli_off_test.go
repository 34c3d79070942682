//go:build !brotli

package host

// hasBrotli is that of package generation.
const hasBrotli = false
