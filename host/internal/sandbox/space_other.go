//go:build !linux

package sandbox

import (
	"fmt"
	"log/slog"
)

// openSpace chooses how memories are kept and reset. Only Linux tells which pages
// a guest has written.
func openSpace(mode ResetMode, _ *slog.Logger) (space, error) {
	if mode != ResetAuto && mode != ResetByCopy {
		return nil, fmt.Errorf("reset mode %q does not work on this system", mode)
	}
	return heapSpace{}, nil
}

func closeSpace(space) {}
