//go:build !wasip1

package wasmlane

import (
	"math/rand/v2"

	"github.com/wasmlane/wasmlane/sdk/go/internal/native"
)

// Natively goroutines run in parallel, so that nothing is shared: a scratch
// buffer is made each time and the test host keeps the request's generator.

func takeScratch() []byte { return make([]byte, 512) }

func dropScratch([]byte) {}

func begin() (*Response, *Request) { return new(Response), new(Request) }

func requestRand() *rand.Rand { return native.Current().Rand() }
