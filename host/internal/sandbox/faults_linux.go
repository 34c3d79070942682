package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A page becomes private by a page fault, and the kernel counts those of the
// process. As long as the count is what it was, no page of any region can have
// become private, so a region's list of private pages is still whole and need
// not be asked for. Asking for the count costs a fraction of walking the page
// table. Faults elsewhere only make us ask again.

// faultCount is the number of page faults of this process, as far as it was read.
type faultCount struct {
	usage unix.Rusage
	valid bool  // last was read before a list was made that is still whole
	last  int64 // faults then
}

// unchanged reports whether there was no page fault since the list was made. If
// it reports false, the caller makes a new list.
func (f *faultCount) unchanged() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_SELF, uintptr(unsafe.Pointer(&f.usage)), 0)
	runtime.KeepAlive(f)
	now := int64(f.usage.Minflt) + int64(f.usage.Majflt)
	same := errno == 0 && f.valid && now == f.last
	f.last, f.valid = now, errno == 0
	return same
}

// forget makes the list count for nothing.
func (f *faultCount) forget() { f.valid = false }

// countsFaults tries whether the count goes up when a page is first written, which
// not every kernel that looks like Linux does.
func countsFaults(pages [][]byte) bool {
	var f faultCount
	f.unchanged()
	for _, page := range pages {
		page[0]++
		if f.unchanged() {
			return false
		}
	}
	return true
}
