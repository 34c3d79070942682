package main

import (
	"hash/fnv"
	"strconv"
	"time"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// rounds of hashing take about a millisecond. The number is fixed, so that the
// work is the same everywhere and the time tells how fast it is done.
const rounds = 32000

// handleLoad does work that needs the processor and nothing else, to measure the
// host with.
func handleLoad(w *wasmlane.Response, r *wasmlane.Request) error {
	start := time.Now()
	id := r.Param("id")
	hash := fnv.New64a()
	sum := []byte(id)
	for range rounds {
		hash.Write(sum)
		sum = hash.Sum(sum[:0])
	}
	took := float64(time.Since(start).Nanoseconds()) / 1e6
	if err := w.SetHeader("X-Processing-Time", strconv.FormatFloat(took, 'f', 3, 64)+"ms"); err != nil {
		return err
	}
	return w.JSON(200, struct {
		ID     string `json:"id"`
		Rounds int    `json:"rounds"`
		Hash   string `json:"hash"`
	}{id, rounds, strconv.FormatUint(hash.Sum64(), 16)})
}
