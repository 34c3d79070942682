//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What the process does on a signal, and what its clients see of it.

// upload begins a request and leaves the end of its body for later. The head says
// how the body is framed.
func (p *process) upload(framing, begin string) *session {
	p.t.Helper()
	c := p.session()
	if _, err := fmt.Fprintf(c, "POST /users HTTP/1.1\r\nHost: test\r\n%s\r\n\r\n%s", framing, begin); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// chunked begins an upload of a user, and finish ends it.
func (p *process) chunked() *session {
	return p.upload("Transfer-Encoding: chunked", "f\r\n{\"name\": \"Ada\",\r\n")
}

func (p *process) finish(c *session, rest string) {
	p.t.Helper()
	if _, err := fmt.Fprint(c, rest); err != nil {
		p.t.Fatal(err)
	}
	resp, err := c.answer("POST")
	if err != nil || resp.StatusCode != 201 || !resp.Close {
		p.t.Errorf("the upload got %v, %v; want 201 and Connection: close", resp, err)
	}
	if err := c.ended(); err != nil {
		p.t.Errorf("the upload's connection: %v", err)
	}
}

// TestLogReaderEnds: when whoever reads the log has gone, the host serves on.
func TestLogReaderEnds(t *testing.T) {
	t.Parallel()
	s := healthSite(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command(program(t), "run")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // fails when it has ended
	write.Close()
	banner := regexp.MustCompile(`^wasmlane \S+ on (http://\S+)\n$`)
	lines, base := bufio.NewReader(read), ""
	for base == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if m := banner.FindStringSubmatch(line); m != nil {
			base = m[1]
		}
	}
	read.Close()
	resp, err := http.Get(base + "/alive") // its line in the access log follows
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

// inFlight waits until so many requests are being served.
func (p *process) inFlight(n int) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%d requests in flight", n), func() bool {
		return p.gauge("wasmlane_requests_in_flight") == float64(n)
	})
}

// gauge reads a value of the metrics.
func (p *process) gauge(name string) (value float64) {
	p.t.Helper()
	text := p.operate("GET", "/metrics").want(200).body
	_, after, ok := strings.Cut(text, "\n"+name+" ")
	if _, err := fmt.Sscan(after, &value); !ok || err != nil {
		p.t.Fatalf("no %s in the metrics:\n%s", name, text)
	}
	return value
}

// limits sets how long an upload may take, and the drain.
func (s *site) limits(upload, drain string) {
	s.t.Helper()
	s.edit(`read_timeout           = "10s"`, fmt.Sprintf("read_timeout = %q", upload),
		`drain                  = "10s"`, fmt.Sprintf("drain = %q", drain))
}

func TestSignalsDrain(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			drains(t, s)
		})
	}
}

func drains(t *testing.T, s syscall.Signal) {
	site := newSite(t)
	site.limits("10m", "10m")
	site.write("plugins/sleeper.wasm", naps(500*time.Millisecond, "slept"))
	site.edit("[[route]]", "[[route]]\npath = \"/nap\"\nhandler = \"sleeper.nap\"\ntimeout = \"30s\"\n\n[[route]]")
	p := site.start()
	uploading := p.chunked()
	// Of this one the host has seen nothing yet when the signal comes, perhaps.
	const body = `{"name": "Grace", "email": "grace@example.com"}`
	late := p.upload(fmt.Sprintf("Content-Length: %d", len(body)), body[:9])
	p.inFlight(1)
	napping := p.session()
	if _, err := fmt.Fprint(napping, "GET /nap HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}

	p.signal(s)
	p.expectLog("msg=draining")
	p.wait("readiness to tell of the drain", func() bool {
		r := p.operate("GET", "/readyz")
		return r.status == 503 && strings.Contains(r.body, "draining")
	})
	if resp, err := napping.answer("GET"); err != nil || resp.StatusCode != 200 {
		t.Errorf("the handler that slept: %v, %v", resp, err)
	}
	p.wait("new connections to be refused", func() bool {
		c, err := net.DialTimeout("tcp", p.addr, patience)
		if err == nil {
			_ = c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	p.finish(uploading, "1c\r\n \"email\": \"ada@example.com\"}\r\n0\r\n\r\n")
	p.finish(late, body[9:])
	if code := p.end(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	p.expectLog("msg=drained")
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	// Longer than this test would wait.
	site.limits("10m", "10m")
	p := site.start()
	p.chunked()
	p.inFlight(1)
	p.signal(syscall.SIGTERM)
	p.expectLog("msg=draining")
	p.signal(syscall.SIGINT)
	if code := p.end(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	p.expectLog("second signal")
}

func TestDrainHasALimit(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.limits("10m", "300ms")
	p := site.start()
	p.chunked()
	p.inFlight(1)
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	p.expectLog("wasmlane: draining: requests were cut off: 1 still running")
}

// Not even a handler that computes for ever, without a deadline, keeps the process.
func TestDrainEndsComputing(t *testing.T) {
	t.Parallel()
	site := emptySite(t)
	site.write("plugins/spinner.wasm", spins())
	site.write("host.toml", replaced(t, smallConfig(t, "[[route]]\npath = \"/spin\"\nhandler = \"spinner.spin\"\ntimeout = \"off\"\n"),
		"[server]", "[server]\ndrain = \"300ms\""))
	p := site.start()
	if _, err := fmt.Fprint(p.session(), "GET /spin HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	p.inFlight(1)
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	p.expectLog("requests were cut off: 1 still running")
}

func TestHangupReloads(t *testing.T) {
	t.Parallel()
	_, p := greeting(t)
	p.signal(syscall.SIGHUP)
	p.expectLog("msg=reloaded generation=2")
	p.signal(syscall.SIGHUP)
	p.expectLog("msg=reloaded generation=3")
	p.serves("/greet", "one")
	p.stop()
}

// Clients in a loop of requests on a connection that they keep, and that they
// give up when an answer says so, see no failure before there is no host to
// connect to any more.
func TestNoRequestIsLostInADrain(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	const clients = 4
	var answered atomic.Int64
	results := make(chan error, clients)
	for i := range clients {
		go func() { results <- loop(p.addr, i, &answered) }()
	}
	p.wait("some requests", func() bool { return answered.Load() >= 100 })
	p.signal(syscall.SIGTERM)
	for range clients {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if code := p.end(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}

// loop sends requests until connections are refused; that is no error.
func loop(addr string, client int, answered *atomic.Int64) error {
	var s *session
	var last time.Time // when its connection was made, or had its last answer
	defer func() {
		if s != nil {
			_ = s.Close()
		}
	}()
	for n := 0; ; n++ {
		var err error
		if s == nil {
			// Reset: the listener closed while the system was connecting. Nothing was sent.
			if s, err = connect(addr); errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
				return nil
			} else if err != nil {
				return err
			}
			last = time.Now()
		}
		var resp *http.Response
		if n%2 == 0 {
			resp, err = s.ask("POST", "/users", fmt.Sprintf(`{"name": "N", "email": "n%d@c%d.example"}`, n, client))
		} else {
			resp, err = s.ask("GET", "/users?limit=1", "")
		}
		if idled(last, err) {
			_ = s.Close()
			s = nil
			continue
		}
		if err != nil {
			return fmt.Errorf("client %d, request %d: %w", client, n, err)
		}
		last = time.Now()
		if want := []int{201, 200}[n%2]; resp.StatusCode != want {
			return fmt.Errorf("client %d, request %d: %d, want %d", client, n, resp.StatusCode, want)
		}
		answered.Add(1)
		if resp.Close {
			_ = s.Close()
			s = nil
		}
	}
}
