package wasi

import "time"

// The identifiers of clocks.
const (
	realtime     = 0
	monotonic    = 1
	lastCPUClock = 3 // 2 and 3 measure processor time, which nobody keeps for a guest
)

// clocks are the host's.
type clocks struct {
	start time.Time // one second after the zero of the monotonic clock
}

func newClocks() clocks { return clocks{time.Now()} }

// now returns what a clock shows, in nanoseconds.
func (k clocks) now(id uint32, t time.Time) (uint64, errno) {
	switch {
	case id == realtime:
		return uint64(t.UnixNano()), success
	case id == monotonic:
		return uint64(t.Sub(k.start) + time.Second), success
	case id <= lastCPUClock:
		return 0, eNOTSUP
	}
	return 0, eINVAL
}

func (k clocks) resolution(c call) errno {
	if _, e := k.now(c.u32(0), k.start); e != success {
		return e
	}
	return c.mem.putU64(c.u32(1), 1)
}

func (k clocks) time(c call) errno {
	v, e := k.now(c.u32(0), time.Now())
	if e != success {
		return e
	}
	return c.mem.putU64(c.u32(2), v)
}
