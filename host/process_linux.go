package host

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// memory returns the process's resident and virtual memory (proc(5), statm).
func memory() (resident, virtual int64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, 0
	}
	size, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	page := int64(os.Getpagesize())
	return pages * page, size * page
}

// cpuSeconds returns the processor time that the process has used.
func cpuSeconds() (seconds float64, ok bool) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	of := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return of(u.Utime) + of(u.Stime), true
}

// descriptors returns how many the process has open, and how many it may have.
func descriptors() (open int, most uint64, ok bool) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, 0, false
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	var limit syscall.Rlimit
	if err != nil || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0, 0, false
	}
	return len(names) - 1, limit.Cur, true // without the directory itself
}
