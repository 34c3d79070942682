package sandbox

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The space of Linux. Memory is reserved at its largest, without access, and
// opened as it grows. An image is a sealed file in memory that instances map
// privately: the kernel copies a page when it is first written, and knows which
// pages it has copied. Those are the dirty ones, and no bookkeeping of ours can
// miss any.

// mappedSpace makes mapped regions and counts their mappings.
type mappedSpace struct {
	dirty    tracker
	faults   faultClock
	mappings atomic.Int64 // counted, of all regions and images
	limit    int64        // at most this many
	max      int64        // of the process, vm.max_map_count
}

// Mappings of the kernel that a region and an image take at most: the image, what
// is open behind it, and what is not open.
const (
	mappingsOfRegion = 3
	mappingsOfImage  = 1
)

func (s *mappedSpace) String() string { return s.dirty.String() }

func (s *mappedSpace) now() moment { return s.faults.now() }

func (s *mappedSpace) settled(m moment) bool { return s.faults.settled(m) }

// counted returns how many mappings there are.
func (s *mappedSpace) counted() int64 { return s.mappings.Load() }

// count books mappings, or fails.
func (s *mappedSpace) count(n int64) error {
	if s.mappings.Add(n) > s.limit {
		s.mappings.Add(-n)
		return fmt.Errorf("%w: the instances of all plugins have %d of the %d mappings a process may have; raise the sysctl vm.max_map_count or lower instances",
			ErrMappings, s.mappings.Load(), s.max)
	}
	return nil
}

func (s *mappedSpace) reserve(limit uint64) (region, error) {
	if err := s.count(mappingsOfRegion); err != nil {
		return nil, err
	}
	all, err := unix.Mmap(-1, 0, int(limit), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		s.mappings.Add(-mappingsOfRegion)
		return nil, fmt.Errorf("reserving %s of addresses: %w", formatSize(limit), err)
	}
	return &mappedRegion{space: s, all: all}, nil
}

// mappedRegion is one reservation.
type mappedRegion struct {
	space *mappedSpace
	all   []byte // the reservation
	open  int    // bytes of it that may be read and written
	img   *mappedImage
	pages pageList // private ones, as restore found them last
	whole bool     // pages are all, or there were faults since
	since int64    // how many faults there were before pages was made
	usage unix.Rusage
}

func (r *mappedRegion) resize(b []byte, size uint64) []byte {
	if size > uint64(len(r.all)) {
		return nil
	}
	if n := int(size); n > r.open {
		// More than asked for, as each opening is a system call.
		to := n
		if b != nil {
			to = min((n+n/4+pageSize-1)/pageSize*pageSize, len(r.all))
		}
		if unix.Mprotect(r.all[:to], unix.PROT_READ|unix.PROT_WRITE) != nil {
			return nil
		}
		r.open = to
	}
	return r.all[:size:size]
}

func (r *mappedRegion) attach(img image) ([]byte, error) {
	m := img.(*mappedImage)
	n := len(m.bytes)
	if n > len(r.all) {
		return nil, errNoMemory
	}
	if n > 0 {
		at := unsafe.Pointer(unsafe.SliceData(r.all))
		if _, err := unix.MmapPtr(m.fd, 0, at, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE); err != nil {
			return nil, fmt.Errorf("mapping the image: %w", err)
		}
	}
	r.open, r.img = max(r.open, n), m
	r.whole = false
	if err := r.empty(n, r.open); err != nil {
		return nil, err
	}
	return r.all[:n:n], nil
}

func (r *mappedRegion) restore(b []byte, keep int, written moment) ([]byte, error) {
	n := len(r.img.bytes)
	if len(b) > n {
		if err := r.empty(n, len(b)); err != nil {
			return nil, err
		}
	}
	if n == 0 {
		return r.all[:0:0], nil
	}
	// The count is older than the list: a fault between the two shows the next time.
	faults, known := r.space.faults.after(written, &r.usage)
	if !known || !r.whole || faults != r.since {
		r.whole = false
		var err error
		if r.pages, err = r.space.dirty.find(r.all[:n], r.pages[:0]); err != nil {
			return nil, err
		}
		r.whole, r.since = known, faults
	}
	for k, d := range r.pages {
		if keep < d.end-d.start {
			// The rest of it would cost more to keep than to fault in again.
			r.whole = false
			return r.all[:n:n], r.empty(r.pages[k].start, n)
		}
		keep -= d.end - d.start
		copy(r.all[d.start:d.end], r.img.bytes[d.start:d.end])
	}
	return r.all[:n:n], nil
}

// written returns how many bytes the last restore found written, as far as it
// looked.
func (r *mappedRegion) written() (n int) {
	for _, d := range r.pages {
		n += d.end - d.start
	}
	return n
}

// empty drops the private pages of a range: what is below is the image, or zero.
func (r *mappedRegion) empty(start, end int) error {
	if start >= end {
		return nil
	}
	return unix.Madvise(r.all[start:end], unix.MADV_DONTNEED)
}

func (r *mappedRegion) free() {
	if r.all == nil {
		return
	}
	_ = unix.Munmap(r.all) // fails for addresses that are not mapped only
	r.all = nil
	r.space.mappings.Add(-mappingsOfRegion)
}

// mappedImage is a file in memory, and a view of it to copy from.
type mappedImage struct {
	space *mappedSpace
	fd    int
	bytes []byte
}

func (i *mappedImage) size() int { return len(i.bytes) }

func (i *mappedImage) free() {
	if i.bytes != nil {
		_ = unix.Munmap(i.bytes)
		i.bytes = nil
	}
	_ = unix.Close(i.fd)
	i.space.mappings.Add(-mappingsOfImage)
}

func (s *mappedSpace) capture(b []byte) (_ image, err error) {
	if err := s.count(mappingsOfImage); err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("wasmlane-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		s.mappings.Add(-mappingsOfImage)
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	i := &mappedImage{space: s, fd: fd}
	defer func() {
		if err != nil {
			i.free()
		}
	}()
	if err := unix.Ftruncate(fd, int64(len(b))); err != nil {
		return nil, fmt.Errorf("sizing an image: %w", err)
	}
	page := os.Getpagesize()
	for at := 0; at < len(b); at += page {
		// Pages of zeros stay holes.
		if part := b[at:min(at+page, len(b))]; !isZero(part) {
			if n, err := unix.Pwrite(fd, part, int64(at)); err != nil || n != len(part) {
				return nil, errors.Join(errNoMemory, err)
			}
		}
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, fmt.Errorf("sealing an image: %w", err)
	}
	if len(b) > 0 {
		// Private: older kernels map nothing shared that is sealed.
		if i.bytes, err = unix.Mmap(fd, 0, len(b), unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
			return nil, fmt.Errorf("mapping an image: %w", err)
		}
	}
	return i, nil
}

func isZero(b []byte) bool {
	for len(b) >= 8 {
		if *(*uint64)(unsafe.Pointer(unsafe.SliceData(b))) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
