//go:build !linux

package host

import "runtime"

// residentBytes returns the memory the Go runtime holds from the system, the
// nearest to resident memory that every system can tell.
func residentBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
