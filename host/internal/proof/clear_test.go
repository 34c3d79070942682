//go:build !race && linux

package proof

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// What a run left that was killed goes, with what runs there; what a run has that is
// alive stays.
func TestLeftOversAreRemoved(t *testing.T) {
	n := newNetwork(t) // or skip
	live := n.machine("live", "10.0.0.1")
	sleeper := live.start(newDir(t), nil, "sleep", "600")

	gone := exec.Command("sleep", "600")
	if err := gone.Start(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(gone.Process.Pid)
	dead := owner(pid + "." + started(pid))
	if !dead.alive() {
		t.Fatalf("%s is said to be dead", dead)
	}
	left := &machine{network: n, name: "left", space: dead.name("left")}
	n.ip("netns", "add", left.space)
	t.Cleanup(func() { removeSpace(left.space) })
	left.resolver("10.0.0.53")
	if err := os.Mkdir(dead.dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dead.dir()) })
	orphan := left.start(dead.dir(), nil, "sleep", "600")
	wait(t, "it to run in its namespace", func() bool {
		pids, err := exec.Command("ip", "netns", "pids", left.space).Output()
		return err == nil && len(pids) > 0
	})
	clearDead()
	for _, path := range []string{filepath.Join(netns, left.space), filepath.Join(etc, left.space), dead.dir()} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("its run is alive, and %s is gone", path)
		}
	}

	_ = gone.Process.Kill()
	_ = gone.Wait()
	clearDead()
	<-orphan.exited
	for _, path := range []string{filepath.Join(netns, left.space), filepath.Join(etc, left.space), dead.dir()} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	if _, err := os.Stat(filepath.Join(netns, live.space)); err != nil {
		t.Errorf("the namespace of a run that is alive was removed: %v", err)
	}
	select {
	case <-sleeper.exited:
		t.Error("a process of a run that is alive was killed")
	default:
	}
}
