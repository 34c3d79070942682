package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const canShare = true

var errNotAlone = errors.New("it is not where machine code is expected")

// mapOver maps a file, which holds the same bytes, in the place of machine code.
// Code may run there meanwhile: the system puts one mapping in the place of the other
// under its lock, and who runs into the gap waits there.
func mapOver(code []byte, f *os.File) error {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(code)))
	page := uintptr(os.Getpagesize())
	size := (uintptr(len(code)) + page - 1) &^ (page - 1)
	if start%page != 0 {
		return errNotAlone
	}
	if ok, err := isMachineCode(start, start+size); err != nil || !ok {
		return errors.Join(errNotAlone, err)
	}
	if _, err := unix.MmapPtr(int(f.Fd()), 0, unsafe.Pointer(unsafe.SliceData(code)), size,
		unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_FIXED); err != nil {
		return fmt.Errorf("mapping it: %w", err)
	}
	return nil
}

// isMachineCode reports whether a range is memory of this process that can be read
// and run and not written, and no file.
func isMachineCode(start, end uintptr) (bool, error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return false, err
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // range, mode, offset, device, inode
		if len(fields) < 5 {
			continue
		}
		first, last, _ := strings.Cut(fields[0], "-")
		from, errFrom := strconv.ParseUint(first, 16, 64)
		to, errTo := strconv.ParseUint(last, 16, 64)
		if errFrom == nil && errTo == nil && uintptr(from) <= start && start < uintptr(to) {
			return end <= uintptr(to) && fields[1] == "r-xp" && fields[4] == "0", nil
		}
	}
	return false, lines.Err()
}
