package sandbox

import "time"

// sliceTime is how long a guest should compute between two yields: long enough
// that a yield costs it nothing, short enough that nobody notices who waits.
const sliceTime = 200 * time.Microsecond

// Bounds of a slice, in units of fuel. A unit is about one instruction. The upper
// one is what a very fast processor does in sliceTime.
const (
	sliceLeast   = 2_000
	sliceMost    = 4_000_000
	sliceDefault = 200_000
)

// nextSlice returns the fuel of a guest's next slice, when one of that fuel took
// so long. What an instruction costs differs between guests, and a slice spent
// in host functions takes longer than its fuel says. A slice that took too long
// may only have been interrupted, so one measurement does not decide.
func nextSlice(fuel int64, took time.Duration) int64 {
	next := fuel * 2
	if took > sliceTime/2 {
		next = max(fuel/4, int64(float64(fuel)*float64(sliceTime)/float64(took)))
	}
	return min(max(next, sliceLeast), sliceMost)
}
