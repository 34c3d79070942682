//go:build race

package meter

// raceDetector says that everything takes ten times as long. Rewrite runs on one
// goroutine, so tests do less of the same then.
const raceDetector = true
