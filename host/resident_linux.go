package host

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetProgram takes the program's own pages out of this process's memory: a
// start runs a lot that nothing runs later, the configuration's parser and half of
// the engine. The pages stay in the system's cache of files, from where the next
// access takes them again, sixteen at once; but the system may drop them, and they
// no longer count as memory that this process uses.
//
// Only what is a plain copy of the file is dropped: relocated data, or a
// debugger's breakpoints, would be lost.
func forgetProgram() {
	file, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer smaps.Close()
	for _, m := range cleanMappings(smaps, file) {
		_ = madviseRange(m.start, m.end-m.start)
	}
}

// madviseRange drops pages of a mapping that is no memory of Go's.
func madviseRange(start, size uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, start, size, unix.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}

type mapping struct{ start, end uintptr }

// cleanMappings reads proc(5) smaps and returns the mappings of a file that cannot
// be written and hold nothing but what the file does. They come first in it: what
// follows is not read.
func cleanMappings(smaps io.Reader, file string) (clean []mapping) {
	var m mapping
	candidate, seen := false, false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Bytes()
		name, _, _ := bytes.Cut(line, []byte(" "))
		if !bytes.HasSuffix(name, []byte(":")) { // the head of a mapping
			var path string
			if at := bytes.IndexByte(line, '/'); at > 0 {
				path = string(line[at:])
			}
			var ok bool
			m, ok = parseRange(name)
			mode := bytes.TrimPrefix(line, name)
			candidate = ok && path == file && (bytes.HasPrefix(mode, []byte(" r-xp ")) || bytes.HasPrefix(mode, []byte(" r--p ")))
			if seen && path != file {
				return clean
			}
			seen = seen || candidate
			continue
		}
		if candidate && bytes.Equal(name, []byte("Anonymous:")) {
			if fields := bytes.Fields(line); len(fields) == 3 && string(fields[1]) == "0" {
				clean = append(clean, m)
			}
			candidate = false
		}
	}
	return clean
}

// parseRange reads "start-end", in hexadecimal.
func parseRange(text []byte) (mapping, bool) {
	from, to, _ := strings.Cut(string(text), "-")
	start, errStart := strconv.ParseUint(from, 16, 64)
	end, errEnd := strconv.ParseUint(to, 16, 64)
	return mapping{uintptr(start), uintptr(end)}, errStart == nil && errEnd == nil && start < end
}
