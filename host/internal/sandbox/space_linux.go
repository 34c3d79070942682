package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openSpace chooses how memories are kept and reset: what was asked for, or the
// fastest that works here. What does not work says why in the log.
func openSpace(mode ResetMode, log *slog.Logger) (space, error) {
	for _, m := range []ResetMode{ResetByScan, ResetByTable} {
		if mode != ResetAuto && mode != m {
			continue
		}
		s, err := openMapped(m)
		if err == nil {
			return s, nil
		}
		if mode == m {
			return nil, fmt.Errorf("reset mode %q does not work here: %w", m, err)
		}
		log.Info("a way to reset instances does not work here", "mode", string(m), "error", err)
	}
	if mode != ResetAuto && mode != ResetByCopy {
		return nil, fmt.Errorf("reset mode %q is unknown", mode)
	}
	return heapSpace{}, nil
}

func closeSpace(s space) {
	if m, ok := s.(*mappedSpace); ok {
		m.dirty.close()
	}
}

func openMapped(mode ResetMode) (*mappedSpace, error) {
	fd, err := unix.Open("/proc/self/pagemap", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/proc/self/pagemap: %w", err)
	}
	most := mapCount()
	s := &mappedSpace{max: most, limit: mappingLimit(most)}
	if mode == ResetByScan {
		s.dirty = &scanTracker{pagemap: fd}
	} else {
		s.dirty = &tableTracker{pagemap: fd, page: os.Getpagesize()}
	}
	if err := s.try(); err != nil {
		s.dirty.close()
		return nil, err
	}
	// Older kernels, and others, count by other rules.
	s.faults.works = mode == ResetByScan && s.tryCount()
	return s, nil
}

// mapCount returns how many mappings the process may have.
func mapCount() int64 {
	const usual = 65530
	b, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if err != nil {
		return usual
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil || n <= 0 {
		return usual
	}
	return n
}

// mappingLimit returns how many of the process's mappings instances may have.
// The rest is for Go's heap, stacks and machine code.
func mappingLimit(most int64) int64 { return max(most-most/8-1024, most/2) }

var errWrongPages = errors.New("it does not tell the pages that were written")

// try resets a small region. A sandbox of the kernel's calls, such as gVisor or a
// seccomp filter, may lack any of them, or have it and answer something else.
func (s *mappedSpace) try() error {
	page := os.Getpagesize()
	content := bytes.Repeat([]byte("image"), 8*page)[:8*page]
	img, err := s.capture(content)
	if err != nil {
		return err
	}
	defer img.free()
	r, err := s.reserve(uint64(16 * page))
	if err != nil {
		return err
	}
	defer r.free()
	if r.resize(nil, uint64(page)) == nil {
		return errNoMemory
	}
	b, err := r.attach(img)
	if err != nil {
		return err
	}
	for range 2 {
		if b = r.resize(b, uint64(12*page)); b == nil {
			return errNoMemory
		}
		_ = b[3*page] // reading makes no page private
		for _, at := range []int{0, 2*page - 1, 5 * page, 11 * page} {
			b[at] ^= 0xff
		}
		found, err := s.dirty.find(b[:8*page], nil)
		if err != nil {
			return err
		}
		if len(found) != 2 || found[0] != (pageRange{0, 2 * page}) || found[1] != (pageRange{5 * page, 6 * page}) {
			return errWrongPages
		}
		if b, err = r.restore(b, 1<<20, s.now()); err != nil {
			return err
		}
		if !bytes.Equal(b, content) || !isZero(r.resize(b, uint64(16*page))[8*page:]) {
			return errWrongPages
		}
	}
	return nil
}

// tryCount reports whether writing to pages of an image for the first time shows
// in the count of page faults.
func (s *mappedSpace) tryCount() bool {
	page := os.Getpagesize()
	img, err := s.capture(make([]byte, 4*page))
	if err != nil {
		return false
	}
	defer img.free()
	r, err := s.reserve(uint64(4 * page))
	if err != nil {
		return false
	}
	defer r.free()
	b, err := r.attach(img)
	if err != nil {
		return false
	}
	sum := byte(0)
	for at := 0; at < len(b); at += page {
		sum += b[at] // mapped for reading is not private yet
	}
	return sum == 0 && countsFaults([][]byte{b[page:], b[3*page:], b[:page]})
}
