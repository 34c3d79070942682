//go:build !linux

package host

import "runtime"

// memory returns the memory the Go runtime holds from the system, the nearest to
// resident memory that every system can tell.
func memory() (resident, virtual int64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased), 0
}

func cpuSeconds() (seconds float64, ok bool) { return 0, false }

func descriptors() (open int, most uint64, ok bool) { return 0, 0, false }
