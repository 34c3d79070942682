package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
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
		var from, to uintptr
		var mode, offset, device string
		var inode uint64
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %s %s %d", &from, &to, &mode, &offset, &device, &inode); n < 6 {
			continue
		}
		if from <= start && start < to {
			return end <= to && mode == "r-xp" && inode == 0, nil
		}
	}
	return false, lines.Err()
}
