//go:build !race && linux

package proof

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs on a machine.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *output
	exited chan struct{} // closed when it has ended
	code   int           // its exit code, then
}

// output is what a process has written so far.
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

// start runs a program in dir on the machine and kills it with the test.
func (m *machine) start(dir string, env []string, args ...string) *process {
	t := m.network.t
	t.Helper()
	p := &process{
		t: t, cmd: exec.Command("ip", append([]string{"netns", "exec", m.space}, args...)...),
		out: new(output), exited: make(chan struct{}), code: -1,
	}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	// It ends with this process, should that have no time to end it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := parent()(p.cmd.Start); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		var exit *exec.ExitError
		if err := p.cmd.Wait(); err == nil || errors.As(err, &exit) {
			p.code = p.cmd.ProcessState.ExitCode()
		}
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s on %s wrote:\n%s", args[0], m.name, tail(p.out.String()))
		}
	})
	return p
}

// parent runs a function on the one thread that has all children: Pdeathsig is
// sent when the thread ends that began the child.
var parent = sync.OnceValue(func() func(func() error) error {
	work, done := make(chan func() error), make(chan error)
	go func() {
		runtime.LockOSThread()
		for do := range work {
			done <- do()
		}
	}()
	var one sync.Mutex
	return func(do func() error) error {
		one.Lock()
		defer one.Unlock()
		work <- do
		return <-done
	}
})

// tail returns the end of what a program wrote, without the access log, and of each
// other kind of line the first ones only.
func tail(s string) string {
	const most, each = 8 << 10, 3
	var kept strings.Builder
	seen := make(map[string]int)
	for line := range strings.Lines(s) {
		kind := ofOne.ReplaceAllString(line, "")
		if seen[kind]++; seen[kind] <= each && !strings.Contains(line, " msg=request ") {
			kept.WriteString(line)
		}
	}
	if s = kept.String(); len(s) > most {
		return "[…]" + s[len(s)-most:]
	}
	return s
}

// ofOne is what differs between lines of a kind.
var ofOne = regexp.MustCompile(`\d|(time|request_id|trace_id|ran|waited_\w+)=\S+`)

// says waits for a text in what the process writes.
func (p *process) says(text string) {
	p.t.Helper()
	wait(p.t, p.cmd.String()+" to say "+text, func() bool {
		if strings.Contains(p.out.String(), text) {
			return true
		}
		select {
		case <-p.exited:
			p.t.Fatalf("%s ended with code %d; it wrote:\n%s", p.cmd, p.code, p.out)
		default:
		}
		return false
	})
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// kill ends the process without a word, and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.exited
}

// stop ends it in the way an operator does, and returns when it is gone.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", p.cmd)
	}
	if p.code != 0 {
		p.t.Errorf("%s ended with code %d after SIGTERM", p.cmd, p.code)
	}
}
