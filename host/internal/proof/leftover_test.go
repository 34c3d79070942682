//go:build !race && linux

package proof

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// What a run makes outside its process has the run's name: namespaces, their
// files in /etc/netns, and a directory for everything else. A run that was killed
// is known by its name, which no process has any more.

const (
	prefix = "wasmlane-proof-"
	netns  = "/run/netns"
	etc    = "/etc/netns" // files here stand in for those of /etc, for what ip netns exec starts
)

// owner names a run: the process and when it began, since ids are used again.
type owner string // "PID.STARTED"

var self = sync.OnceValue(func() owner {
	pid := strconv.Itoa(os.Getpid())
	return owner(pid + "." + started(pid))
})

// started returns when a process began, in ticks since the system did, or "" when
// there is none of that id.
func started(pid string) string {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return ""
	}
	// The name of the command comes second, in parentheses; anything may be in it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

func (o owner) alive() bool {
	pid, start, _ := strings.Cut(string(o), ".")
	return start != "" && started(pid) == start
}

// name returns a name of this run's.
func (o owner) name(of string) string { return prefix + string(o) + "-" + of }

// dir is where this run keeps its files.
func (o owner) dir() string { return filepath.Join(os.TempDir(), o.name("files")) }

// clearDead removes what is left of runs that were killed.
func clearDead() {
	for _, dir := range []string{netns, etc, os.TempDir()} {
		found, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
		for _, path := range found {
			id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), prefix), "-")
			if o := owner(id); !o.alive() {
				clearOf(o)
			}
		}
	}
}

// clearOf removes what there is of a run: first the processes in its namespaces.
func clearOf(o owner) {
	spaces, _ := filepath.Glob(filepath.Join(netns, o.name("*")))
	for _, path := range spaces {
		removeSpace(filepath.Base(path))
	}
	files, _ := filepath.Glob(filepath.Join(etc, o.name("*")))
	for _, path := range append(files, o.dir()) {
		_ = os.RemoveAll(path)
	}
}

// removeSpace ends what runs in a namespace and removes it.
func removeSpace(name string) {
	pids, _ := exec.Command("ip", "netns", "pids", name).Output()
	for _, text := range strings.Fields(string(pids)) {
		if pid, err := strconv.Atoi(text); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_ = exec.Command("ip", "netns", "del", name).Run()
	_ = os.RemoveAll(filepath.Join(etc, name))
}
