package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a peer that runs.
type server struct {
	cmd   *exec.Cmd
	port  int
	admin int           // the admin listener's port, of Wasmlane
	log   *os.File      // its stdout and stderr
	up    time.Duration // from exec to the first 200
	ended chan struct{}
}

const startLimit = 2 * time.Minute

// start runs a command and returns when it answers path with 200.
func (w *workshop) start(ctx context.Context, name string, l launch, path string) (*server, error) {
	port, admin, err := freePorts()
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("{port}", strconv.Itoa(port), "{admin}", strconv.Itoa(admin))
	if template, err := os.ReadFile(filepath.Join(l.dir, "host.toml.in")); err == nil {
		if err := os.WriteFile(filepath.Join(l.dir, "host.toml"), []byte(fill.Replace(string(template))), 0o644); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(filepath.Join(w.work, name+".log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	var args []string
	for _, a := range l.args {
		args = append(args, fill.Replace(a))
	}
	s := &server{cmd: exec.Command(args[0], args[1:]...), port: port, admin: admin, log: log, ended: make(chan struct{})}
	s.cmd.Env = append(append(os.Environ(), "PORT="+strconv.Itoa(port)), l.env...)
	s.cmd.Dir = w.work
	if l.dir != "" {
		s.cmd.Dir = l.dir
		if !filepath.IsAbs(l.dir) {
			s.cmd.Dir = w.bench(l.dir)
		}
	}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	// A group of its own, so that its workers end with it; and it ends with this
	// program, however that ends.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	if err := s.ready(ctx, path); err != nil {
		tail, _ := os.ReadFile(log.Name())
		s.stop()
		return nil, fmt.Errorf("%s does not answer: %w; its last line: %s", name, err, lastLine(string(tail)))
	}
	s.up = time.Since(begin)
	return s, nil
}

// ready waits for the first 200, looking every millisecond.
func (s *server) ready(ctx context.Context, path string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for deadline := time.Now().Add(startLimit); ; {
		conn, err := net.Dial("tcp", s.address())
		if err == nil {
			conn.Close()
			var response *http.Response
			if response, err = client.Get(s.url(path)); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode == http.StatusOK {
					return nil
				}
				err = errors.New(response.Status)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return errors.New("it has ended")
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

func (s *server) address() string        { return "127.0.0.1:" + strconv.Itoa(s.port) }
func (s *server) url(path string) string { return "http://" + s.address() + path }

// stop ends the server and all that it started.
func (s *server) stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(3 * time.Second):
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
	s.log.Close()
}

// freePorts returns two ports that were free a moment ago.
func freePorts() (int, int, error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer b.Close()
	return a.Addr().(*net.TCPAddr).Port, b.Addr().(*net.TCPAddr).Port, nil
}

// check sees that the server does the work that is measured.
func (s *server) check() error {
	response, err := http.Get(s.url("/users/7"))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("GET /users/7: %w in %q", err, body)
	}
	if response.StatusCode != 200 || kind != "application/json" ||
		len(got) != 3 || got["id"] != "7" || got["name"] != "User 7" || got["email"] != "user7@example.com" {
		return fmt.Errorf("GET /users/7: %s, %s: %s; want 200, application/json and the user 7", response.Status, kind, body)
	}
	return nil
}
