// Package redistest starts Redis servers for tests: each on a free port of the
// loopback interface and in a directory of its own, and none outlives the test.
package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait. Only a test that fails waits so long.
const patience = 20 * time.Second

// Server is a redis-server.
type Server struct {
	Addr string // 127.0.0.1:PORT
	Port int
	Dir  string

	args  []string
	shell *exec.Cmd
	stdin io.Closer
	pid   int
}

// Need skips the test when a program is missing, or fails it where everything
// should be installed.
func Need(t testing.TB, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if runtime.GOOS == "windows" {
		err = fmt.Errorf("it does not run on Windows")
	}
	if err == nil {
		return
	}
	const advice = "there is no %s; apt-get install redis-server has it"
	if os.Getenv("CI") == "true" {
		t.Fatalf(advice, program)
	}
	t.Skipf(advice, program)
}

// Start starts a server that keeps nothing on disk unless args, as on its command
// line, say so. It ends with the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	Need(t, "redis-server")
	s, err := Launch(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Launch is Start for whoever has no test: the caller must Kill the server.
func Launch(dir string, args ...string) (*Server, error) {
	var err error
	for range 3 { // somebody may take the port first
		s := &Server{Port: freePort(), Dir: dir, args: args}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// freePort returns a port that is free, and whose port + 10000 is one, too: a node
// of a Cluster takes both.
func freePort() int {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port < 55_000 {
			return port
		}
	}
}

// start starts the process below a shell, which ends it when this one is gone.
func (s *Server) start() error {
	args := []string{"-c", `redis-server "$@" >log 2>&1 & echo $!; read _; kill -9 $! 2>/dev/null; wait`, "sh"}
	tls := false
	for _, arg := range s.args {
		tls = tls || arg == "--tls-port"
	}
	if s.args != nil && s.args[0] == "--sentinel" {
		args = append(args, s.args[1], "--sentinel", "--port", strconv.Itoa(s.Port))
	} else if !tls {
		args = append(args, "--port", strconv.Itoa(s.Port), "--save", "", "--bind", "127.0.0.1")
	} else {
		args = append(args, "--port", "0", "--save", "", "--bind", "127.0.0.1")
	}
	if s.args == nil || s.args[0] != "--sentinel" {
		for _, arg := range s.args {
			args = append(args, strings.ReplaceAll(arg, "PORT", strconv.Itoa(s.Port)))
		}
	}
	s.shell = exec.Command("sh", args...)
	s.shell.Dir = s.Dir
	stdin, err := s.shell.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.shell.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.shell.Start(); err != nil {
		return err
	}
	s.stdin = stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		s.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		s.Kill()
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if s.listens() {
			return nil
		}
		if !lives(s.pid) || time.Now().After(end) {
			s.Kill()
			log, _ := os.ReadFile(s.Dir + "/log")
			return fmt.Errorf("redis-server does not listen on %s: %s", s.Addr, log)
		}
	}
}

// listens reports whether the port is the server's own: another process may have
// taken it.
func (s *Server) listens() bool {
	log, _ := os.ReadFile(s.Dir + "/log")
	if strings.Contains(string(log), "Could not create server") {
		return false
	}
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// Kill ends the server as a crash does, and returns when it is gone.
func (s *Server) Kill() {
	if s.stdin == nil {
		return
	}
	_ = s.stdin.Close()
	_ = s.shell.Wait()
	s.stdin = nil
}

// Restart starts the server again after Kill, on the same port and directory.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := s.start()
		if err == nil {
			return
		}
		if time.Now().After(end) { // until then somebody else may have the port
			t.Fatal(err)
		}
	}
}

// Pause stops the process without ending it: its connections stay and it answers
// nothing.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	if err := pause(s.pid); err != nil {
		t.Fatal(err)
	}
}

// Resume lets it go on.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := resume(s.pid); err != nil {
		t.Fatal(err)
	}
}

// Do has redis-cli send a command and returns what it prints.
func (s *Server) Do(t testing.TB, args ...string) string {
	t.Helper()
	Need(t, "redis-cli")
	cmd := exec.Command("redis-cli", append([]string{"-p", strconv.Itoa(s.Port)}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out))
}
