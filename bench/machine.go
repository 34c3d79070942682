package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine says where and when it was measured.
type machine struct {
	CPU, Kernel, Memory, Load string
	Cores                     int
	HostBinary                int64 // bytes
	Started, Finished         string
	Versions                  []string
}

func describeMachine() machine {
	m := machine{
		Cores:   runtime.NumCPU(),
		Started: time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		CPU:     field("/proc/cpuinfo", "model name"),
		Memory:  field("/proc/meminfo", "MemTotal"),
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	average, _ := os.ReadFile("/proc/loadavg")
	m.Load = strings.Join(strings.Fields(string(average))[:1], "")
	for _, v := range [][]string{
		{"go", "version"}, {"wrk", "-v"}, {clangName(), "--version"}, {"node", "--version"}, {"python3", "--version"},
		{"java", "-version"}, {"rustc", "--version"},
	} {
		out, _ := exec.Command(v[0], v[1:]...).CombinedOutput() // wrk exits 1
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
			m.Versions = append(m.Versions, fmt.Sprintf("%s: %s", v[0], strings.TrimSpace(line)))
		}
	}
	return m
}

// field returns the value of a line "name : value".
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.SplitSeq(string(text), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
