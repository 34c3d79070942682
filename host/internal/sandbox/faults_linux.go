package sandbox

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A page becomes private by a page fault, and the kernel counts those of the
// process. As long as the count is what it was, no page of any region can have
// become private, so a region's list of private pages is still whole and need
// not be asked for. Asking for the count costs a fraction of walking the page
// table, and one answer serves all regions whose guests had stopped when it was
// asked for. Faults elsewhere only make us ask again.

// faultClock is the number of page faults of this process, as far as it was read.
type faultClock struct {
	works bool          // the kernel counts as we need it, see countsFaults
	begun atomic.Uint64 // readings, numbered from 1
	done  atomic.Uint64 // the last of them whose result is in count
	count atomic.Int64  // or that of a later one
}

// now returns a moment: later readings know of all faults until now.
func (c *faultClock) now() moment { return moment(c.begun.Load()) }

// settled reports whether there was a reading after a moment.
func (c *faultClock) settled(m moment) bool { return !c.works || c.done.Load() > uint64(m) }

// after returns the number of faults at some time after a moment, or false when
// it cannot be had. usage is scratch.
func (c *faultClock) after(m moment, usage *unix.Rusage) (int64, bool) {
	if !c.works {
		return 0, false
	}
	if c.done.Load() > uint64(m) {
		return c.count.Load(), true
	}
	return c.read(usage)
}

// read asks the kernel.
func (c *faultClock) read(usage *unix.Rusage) (int64, bool) {
	number := c.begun.Add(1)
	_, _, errno := unix.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_SELF, uintptr(unsafe.Pointer(usage)), 0)
	runtime.KeepAlive(usage)
	if errno != 0 {
		return 0, false
	}
	now := int64(usage.Minflt) + int64(usage.Majflt)
	// The count first: who sees that a reading is done finds its count or a later one.
	for have := c.count.Load(); have < now && !c.count.CompareAndSwap(have, now); have = c.count.Load() {
	}
	for have := c.done.Load(); have < number && !c.done.CompareAndSwap(have, number); have = c.done.Load() {
	}
	return now, true
}

// countsFaults tries whether the count goes up when a page is first written, which
// not every kernel that looks like Linux does.
func countsFaults(pages [][]byte) bool {
	var c faultClock
	usage := new(unix.Rusage)
	last, ok := c.read(usage)
	for _, page := range pages {
		page[0]++
		now, again := c.read(usage)
		if ok = ok && again && now > last; !ok {
			return false
		}
		last = now
	}
	return ok
}
