package sandbox

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Which pages of a private mapping have been written? Those that are the
// mapping's own: present or swapped out, and not the file's. Two ways to ask.

// tracker finds them.
type tracker interface {
	String() string
	// find appends the written ranges of memory, in order, to list.
	find(mem []byte, list pageList) (pageList, error)
	close()
}

// pageList are ranges of bytes, from start to before end, whole pages.
type pageList []pageRange

type pageRange struct{ start, end int }

// add appends a range, to the last one if it goes on there.
func (l pageList) add(start, end int) pageList {
	if n := len(l); n > 0 && l[n-1].end == start {
		l[n-1].end = end
		return l
	}
	return append(l, pageRange{start, end})
}

// The interface of PAGEMAP_SCAN, linux/fs.h, from Linux 6.7 on.
const (
	pagemapScan   = 0xc0606610
	pageIsFile    = 1 << 2
	pageIsThere   = 1 << 3
	pageIsSwapped = 1 << 4
)

type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages     uint64
	categoryInverted, categoryMask, categoryAnyof, returnedMask uint64
}

type scanRegion struct{ start, end, _ uint64 }

// scanTracker asks PAGEMAP_SCAN: one system call, whose cost is that of walking
// the page table.
type scanTracker struct {
	pagemap int       // /proc/self/pagemap
	calls   sync.Pool // of *scanCall
}

type scanCall struct {
	arg     scanArg
	regions [64]scanRegion
}

func (*scanTracker) String() string { return "dirty pages by PAGEMAP_SCAN" }

func (t *scanTracker) close() { _ = unix.Close(t.pagemap) }

// scanQuickly is up to how many bytes the walk is so short that the scheduler
// need not be told.
const scanQuickly = 8 << 20

func (t *scanTracker) find(mem []byte, list pageList) (pageList, error) {
	c, _ := t.calls.Get().(*scanCall)
	if c == nil {
		c = new(scanCall)
	}
	defer t.calls.Put(c)
	base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem))))
	end := base + uint64(len(mem))
	for at := base; at < end; {
		c.arg = scanArg{
			size: uint64(unsafe.Sizeof(c.arg)), start: at, end: end,
			vec: uint64(uintptr(unsafe.Pointer(&c.regions))), vecLen: uint64(len(c.regions)),
			categoryInverted: pageIsFile, categoryMask: pageIsFile,
			categoryAnyof: pageIsThere | pageIsSwapped, returnedMask: pageIsThere | pageIsSwapped,
		}
		call := unix.RawSyscall
		if len(mem) > scanQuickly {
			call = unix.Syscall
		}
		n, _, errno := call(unix.SYS_IOCTL, uintptr(t.pagemap), pagemapScan, uintptr(unsafe.Pointer(&c.arg)))
		runtime.KeepAlive(c)
		switch {
		case errno == unix.EINTR || errno == unix.EAGAIN:
			continue
		case errno != 0:
			return list, fmt.Errorf("PAGEMAP_SCAN: %w", errno)
		}
		for _, r := range c.regions[:n] {
			list = list.add(int(r.start-base), int(r.end-base))
		}
		if c.arg.walkEnd <= at {
			return list, fmt.Errorf("PAGEMAP_SCAN: stopped at %#x", at)
		}
		at = c.arg.walkEnd // before the end when the vector was full
	}
	return list, nil
}

// tableTracker reads /proc/self/pagemap, one word a page. Every kernel has it,
// unless /proc is not there or closed.
type tableTracker struct {
	pagemap int
	page    int
	buffers sync.Pool // of *[8 * tableBatch]byte
}

const tableBatch = 512

func (*tableTracker) String() string { return "dirty pages by /proc/self/pagemap" }

func (t *tableTracker) close() { _ = unix.Close(t.pagemap) }

// Bits of a word of the table.
const (
	tableFile    = 1 << 61 // or shared
	tableSwapped = 1 << 62
	tablePresent = 1 << 63
)

func (t *tableTracker) find(mem []byte, list pageList) (pageList, error) {
	buf, _ := t.buffers.Get().(*[8 * tableBatch]byte)
	if buf == nil {
		buf = new([8 * tableBatch]byte)
	}
	defer t.buffers.Put(buf)
	first := int64(uintptr(unsafe.Pointer(unsafe.SliceData(mem)))) / int64(t.page)
	pages := len(mem) / t.page
	for at := 0; at < pages; {
		want := buf[:8*min(tableBatch, pages-at)]
		n, err := unix.Pread(t.pagemap, want, (first+int64(at))*8)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < 8 {
			return list, fmt.Errorf("reading the page table: %d bytes, %w", n, err)
		}
		for k := range n / 8 {
			word := binary.NativeEndian.Uint64(want[8*k:])
			if word&(tablePresent|tableSwapped) != 0 && word&tableFile == 0 {
				list = list.add((at+k)*t.page, (at+k+1)*t.page)
			}
		}
		at += n / 8
	}
	return list, nil
}
