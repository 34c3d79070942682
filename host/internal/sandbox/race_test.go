//go:build race

package sandbox

// raceEnabled: the race detector makes everything slower, and allocates.
const raceEnabled = true
