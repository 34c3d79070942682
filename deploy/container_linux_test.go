package deploy_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait. Only a test that fails waits so long.
const patience = 60 * time.Second

// container is an image's entrypoint that runs as a container engine would run it:
// as process 1 of its own, with its own network, on the image's root, as its user.
type container struct {
	t      *testing.T
	image  image
	cmd    *exec.Cmd
	output *output
	exited chan struct{}
}

type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// surroundings are what an engine gives a container besides its image.
type surroundings struct {
	args   []string          // in place of the image's
	mounts map[string]string // directories of this machine, by where they appear
	// readOnly makes the root so, but for the mounts.
	readOnly bool
	cgroup   string // a directory of memory's hierarchy, "" for none
}

// isolation is what a container has of its own.
const isolation = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET

// boot makes a container's surroundings and becomes the entrypoint. All mounts are
// in a namespace that ends with the process.
const boot = `set -e
root=$1 user=$2 mounts=$3 readonly=$4 cgroup=$5; shift 5
[ -z "$cgroup" ] || echo $$ >"$cgroup/cgroup.procs"
ip link set lo up
mount --make-rprivate /
mkdir -p "$root/proc"
mount --bind "$root" "$root"
for pair in $mounts; do mount --bind "${pair%%:*}" "$root${pair#*:}"; done
[ "$readonly" = false ] || mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
exec chroot --userspec="$user" "$root" "$@"`

// run starts the image.
func (i image) run(t *testing.T, around surroundings) *container {
	t.Helper()
	need(t, "ip", "apt-get install iproute2")
	need(t, "curl", "apt-get install curl")
	var mounts []string
	for at, dir := range around.mounts {
		mounts = append(mounts, dir+":"+at)
	}
	if around.args == nil {
		around.args = i.Config.Cmd
	}
	c := &container{t: t, image: i, output: new(output), exited: make(chan struct{})}
	args := append([]string{"-c", boot, "boot", i.root, i.Config.User, strings.Join(mounts, " "), fmt.Sprint(around.readOnly), around.cgroup}, i.Config.Entrypoint...)
	c.cmd = exec.Command("/bin/sh", append(args, around.args...)...)
	c.cmd.Env = append([]string{}, i.Config.Env...)
	c.cmd.Env = append(c.cmd.Env, "PATH="+os.Getenv("PATH")) // for boot; the program has no use for it
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: isolation}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(c.exited); _ = c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // fails when it has ended
		<-c.exited
		if t.Failed() {
			t.Logf("the container wrote:\n%s", c.output)
		}
	})
	return c
}

// inside runs a command in the container's network; the container must run.
func (c *container) inside(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-n", "-t", fmt.Sprint(c.cmd.Process.Pid), "--"}, args...)...)
}

// health runs the image's own health check, as its user on its root.
func (c *container) health(flags ...string) (code int, out string) {
	args := append([]string{"chroot", "--userspec=" + c.image.Config.User, c.image.root}, c.image.Config.Healthcheck.Test[1:]...)
	cmd := exec.Command(args[0], append(args[1:], flags...)...)
	select {
	case <-c.exited:
	default:
		cmd = c.inside(append(args, flags...)...)
	}
	text, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(text)
}

func (c *container) get(url string) (status, body string) {
	out, _ := c.inside("curl", "-s", "-w", "\n%{http_code}", url).Output()
	i := strings.LastIndexByte(string(out), '\n')
	return string(out[i+1:]), string(out[:max(i, 0)])
}

func (c *container) wait(what string, done func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-c.exited:
			c.t.Fatalf("the container ended while the test waited for: %s", what)
		default:
		}
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// end waits for the container and returns its exit code.
func (c *container) end() int {
	c.t.Helper()
	select {
	case <-c.exited:
	case <-time.After(patience):
		c.t.Fatal("the container does not end")
	}
	return c.cmd.ProcessState.ExitCode()
}

// stop ends the container as an engine does, and checks that all went well.
func (c *container) stop() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if code := c.end(); code != 0 {
		c.t.Errorf("the container exits with %d after SIGTERM", code)
	}
}

// skip skips a test for a program that is missing, unless this is continuous
// integration.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func need(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, "no "+name+"; "+install)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	write(t, to, read(t, from))
}
