//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A restart without a client noticing, and a log without a line missing.

// tally is what clients of a load have seen.
type tally struct {
	answered, failed atomic.Int64
	mu               sync.Mutex
	first            error
}

func (l *tally) fail(err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = err
	}
}

// pressure sends requests to addr, from clients that keep their connections, until
// the returned function is called. The clients are net/http's: one for each, so
// that each has a connection of its own.
func pressure(addr string, clients int, l *tally) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			for last := time.Now(); ctx.Err() == nil; last = time.Now() {
				// A POST is not sent a second time by the client.
				resp, err := client.Post("http://"+addr+"/greet", "text/plain", strings.NewReader("hello"))
				if idled(last, err) {
					continue
				}
				if err != nil {
					l.fail(err)
					continue
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					l.fail(fmt.Errorf("status %d, %v", resp.StatusCode, err))
					continue
				}
				l.answered.Add(1)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// idled reports whether a request failed because its connection had been idle, as all
// are while this machine stands still, for so long that a drain may end it.
func idled(last time.Time, err error) bool {
	ended := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err != nil && strings.Contains(err.Error(), "server closed idle connection")
	return ended && time.Since(last) > 500*time.Millisecond
}

// portSharer is a site whose processes share a port and serve /greet.
func portSharer(t *testing.T, listen, more string) *site {
	s := emptySite(t)
	s.write("plugins/greeter.wasm", says("hello"))
	s.write("host.toml", fmt.Sprintf(`
[server]
listen = %q
reuse_port = true
drain = "10s"
%s
[admin]
listen = "127.0.0.1:0"
[store]
backend = "memory"
[[route]]
path = "/greet"
handler = "greeter.say"
`, listen, more))
	return s
}

func TestRollingRestart(t *testing.T) {
	t.Parallel()
	one := portSharer(t, "127.0.0.1:0", "drain_delay = \"300ms\"").start()
	two := portSharer(t, one.addr, "").start()
	var l tally
	stop := pressure(one.addr, 8, &l)
	enough := func(n int64) {
		t.Helper()
		l := &l
		one.wait(fmt.Sprintf("%d answers", n), func() bool { return l.answered.Load() >= n || l.failed.Load() > 0 })
	}
	enough(200)
	processes := []*process{one, two}
	for round := range 4 {
		processes = append(processes, portSharer(t, one.addr, "drain_delay = \"100ms\"").start())
		processes[round].stop()
		enough(l.answered.Load() + 200)
	}
	stop()
	if n := l.failed.Load(); n > 0 || l.answered.Load() == 0 {
		t.Errorf("%d of %d requests failed, the first with: %v", n, n+l.answered.Load(), l.first)
	}
}

func TestDrainDelay(t *testing.T) {
	t.Parallel()
	p := portSharer(t, "127.0.0.1:0", "drain_delay = \"5s\"").start()
	p.signal(syscall.SIGTERM)
	p.expectLog("not ready; still serving")
	begin := time.Now()
	r := p.operate("GET", "/readyz")
	if r.status != 503 || !strings.Contains(r.body, "draining") {
		t.Errorf("readiness: %d %s", r.status, r.body)
	}
	if resp, err := p.session().ask("GET", "/greet", ""); err != nil || resp.StatusCode != 200 || resp.Close {
		t.Errorf("a request in the delay: %v, %v; want 200 and a connection that stays", resp, err)
	}
	p.expectLog("msg=draining")
	if took := time.Since(begin); took < time.Second {
		t.Errorf("it drained after %v, want 5s", took)
	}
	if code := p.end(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	if _, err := net.Dial("tcp", p.addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end: %v", err)
	}
}

// Each request that was answered has its line, also those of the last moment.
func TestNoAccessLineIsLost(t *testing.T) {
	t.Parallel()
	for format, form := range map[string]string{
		"text":     `(?m)^time=\S+ level=INFO msg=request method=POST path=/greet status=200 .*$`,
		"json":     `(?m)^\{"time":"\S+","level":"INFO","msg":"request","method":"POST","path":"/greet","status":200,.*\}$`,
		"combined": `(?m)^127\.0\.0\.1 - - \[[^\]]+\] "POST /greet HTTP/1\.1" 200 5 "-" "Go-http-client/1\.1"$`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := portSharer(t, "127.0.0.1:0", "[log]\naccess_format = \""+format+"\"").start()
			var l tally
			stop := pressure(p.addr, 4, &l)
			p.wait("a thousand answers", func() bool { return l.answered.Load() >= 1000 })
			p.signal(syscall.SIGTERM)
			code := p.end()
			stop() // by now connections are refused
			if code != exitOK {
				t.Errorf("exit code %d", code)
			}
			lines := int64(len(regexp.MustCompile(form).FindAllString(p.stderr.String(), -1)))
			if lines != l.answered.Load() {
				t.Errorf("%d lines for %d answers", lines, l.answered.Load())
			}
		})
	}
}

// The look of the log changes with a reload.
func TestLogChangesOnReload(t *testing.T) {
	t.Parallel()
	s := portSharer(t, "127.0.0.1:0", "[log]\nformat = \"text\"")
	p := s.start()
	ask := func() {
		t.Helper()
		if resp, err := p.session().ask("GET", "/greet", ""); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	ask()
	p.expectLog(" level=INFO msg=request method=GET path=/greet")
	change := func(old, text string) {
		t.Helper()
		b, err := os.ReadFile(s.dir + "/host.toml")
		if err != nil {
			t.Fatal(err)
		}
		s.write("host.toml", replaced(t, string(b), old, text))
		p.signal(syscall.SIGHUP)
	}
	change(`format = "text"`, `format = "json"`)
	p.expectLog(`"msg":"reloaded"`)
	ask()
	p.expectLog(`"msg":"request","method":"GET"`)
	change(`format = "json"`, "format = \"text\"\naccess_format = \"combined\"")
	p.expectLog("msg=reloaded")
	ask()
	p.expectLog(`] "GET /greet HTTP/1.1" 200 5 "-"`)
	change(`access_format = "combined"`, "access = false")
	p.expectLog("msg=reloaded")
	n := strings.Count(p.stderr.String(), "GET")
	ask()
	p.stop()
	if strings.Count(p.stderr.String(), "GET") != n {
		t.Error("the access log goes on")
	}
}
