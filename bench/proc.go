package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc; it is the same on every Linux.
const tick = 10 * time.Millisecond

// usage is what a process and all its descendants use.
type usage struct {
	CPU      time.Duration // user and system, so far
	RSS, PSS int64         // bytes
}

// usageOf reads /proc. A process that ends meanwhile is left out.
func usageOf(pid int) (u usage) {
	for _, id := range descendants(pid) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from the third on
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		u.CPU += time.Duration(user+system) * tick
	}
	return u
}

// memoryOf reads the resident and the proportional set size.
func memoryOf(pid int) (u usage) {
	for _, id := range descendants(pid) {
		rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", id))
		for line := range strings.SplitSeq(string(rollup), "\n") {
			fields := strings.Fields(line)
			if len(fields) < 2 {
				continue
			}
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			switch fields[0] {
			case "Rss:":
				u.RSS += kib << 10
			case "Pss:":
				u.PSS += kib << 10
			}
		}
	}
	return u
}

// descendants returns a process and all that it has started, directly or not.
func descendants(pid int) []int {
	children := make(map[int][]int)
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 2 {
			continue
		}
		id, _ := strconv.Atoi(strings.Split(file, "/")[2])
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], id)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// files is how many descriptors 10 000 connections need, on either side.
const files = 11_000

func raiseLimits() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur >= files {
		// Go gives children the limit that this process was started with.
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	limit.Cur, limit.Max = files, max(limit.Max, files)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return errors.New("10 000 connections need 11 000 open files: run `ulimit -n 11000` as root first")
	}
	return nil
}
