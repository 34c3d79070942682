// Command seeds is a plugin that answers with random numbers of three origins.
package main

import (
	crypto "crypto/rand"
	"fmt"
	"math/rand/v2"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// seeded is a generator as programs keep one: made once, when they start.
var seeded = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))

//go:wasmexport numbers
func numbers() {
	wasmlane.Handle(func(w *wasmlane.Response, _ *wasmlane.Request) error {
		fresh := make([]byte, 8)
		if _, err := crypto.Read(fresh); err != nil {
			return err
		}
		return w.Text(200, fmt.Sprintf("%x %x %x", seeded.Uint64(), wasmlane.Rand().Uint64(), fresh))
	})
}

func main() {}
