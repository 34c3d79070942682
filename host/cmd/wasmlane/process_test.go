//go:build unix

package main

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests. Only a test that fails waits so long.
const patience = 60 * time.Second

// process is a wasmlane that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	read   int // how much of stderr expectLog has seen

	addr  string // of the listener
	admin string // of the admin listener

	exited chan struct{} // closed when the process has ended
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

// launch starts the program in the site's directory and kills it with the test,
// unless it has ended by then.
func (s *site) launch(args ...string) *process {
	s.t.Helper()
	p := &process{
		t: s.t, cmd: exec.Command(program(s.t), args...),
		stdout: new(output), stderr: new(output), exited: make(chan struct{}), code: -1,
	}
	p.cmd.Dir = s.dir
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		var exit *exec.ExitError
		if err := p.cmd.Wait(); err == nil || errors.As(err, &exit) {
			p.code = p.cmd.ProcessState.ExitCode()
		}
	}()
	s.t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails when it has ended
		<-p.exited
		if s.t.Failed() {
			s.t.Logf("%s wrote:\n%s%s", p.cmd, p.stdout, tail(p.stderr.String(), 8<<10))
		}
	})
	return p
}

func tail(s string, n int) string {
	if len(s) > n {
		return "[…]" + s[len(s)-n:]
	}
	return s
}

// start runs the site and returns when it listens.
func (s *site) start(flags ...string) *process {
	s.t.Helper()
	p := s.launch(append([]string{"run"}, flags...)...)
	banner := regexp.MustCompile(`(?m)^wasmlane \S+ on http://(\S+)$`)
	admin := regexp.MustCompile(`msg="admin listening" addr=(\S+)\n`)
	p.wait("listening", func() bool {
		select {
		case <-p.exited:
			s.t.Fatalf("the host ended with code %d", p.code)
		default:
		}
		main, operator := banner.FindStringSubmatch(p.stdout.String()), admin.FindStringSubmatch(p.stderr.String())
		if main == nil || operator == nil {
			return false
		}
		p.addr, p.admin = main[1], operator[1]
		return true
	})
	return p
}

// wait polls until done, and fails the test when that takes too long.
func (p *process) wait(what string, done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// expectLog waits for a text in the log, after that of the call before.
func (p *process) expectLog(text string) {
	p.t.Helper()
	p.wait("the log line "+text, func() bool {
		log := p.stderr.String()
		i := strings.Index(log[p.read:], text)
		if i < 0 {
			return false
		}
		p.read += i + len(text)
		return true
	})
}

// skipLog has expectLog look only at what is logged from here on.
func (p *process) skipLog() { p.read = len(p.stderr.String()) }

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the process and returns its exit code.
func (p *process) end() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the process does not end")
	}
	return p.code
}

// stop ends the host in the way an operator does.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != exitOK {
		p.t.Fatalf("exit code %d after SIGTERM, want %d", code, exitOK)
	}
}
