//go:build unix

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// TestReloadsUnderLoad changes the configuration and a plugin again and again,
// in every way there is, while clients send requests over connections that they
// keep. No request may fail, no connection may end, and nothing may pile up.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	s := newSite(t)
	p := s.start()
	config := read(t, s.path("host.toml"))
	user := read(t, s.path("plugins/user.wasm"))
	// The same plugin with other bytes: a section that nobody reads. Two builds take
	// turns, but every fifth time there is one that was never compiled before. A
	// megabyte of machine code that is not given back comes to light that way.
	build := func(n int) string {
		if n%5 < 4 {
			n %= 2
		}
		return user + string(wasmtest.Section(0, fmt.Append([]byte("\x04test"), n)))
	}

	ada := p.do("POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`).want(201).field("id")
	work := startLoad(t, p.addr, ada)

	var memory, goroutines []float64
	generation := p.gauge("wasmlane_generation")
	for round := range rounds {
		// Each configuration has a route that the one before has not.
		path := fmt.Sprintf("/round/%d", round)
		changed := config + fmt.Sprintf("\n[[route]]\npath = %q\nhandler = \"@health\"\n", path)
		switch round % 4 {
		case 0: // the host notices a changed host.toml
			s.write("host.toml", changed)
			p.wait(path, func() bool { return p.get(path).status == 200 })
		case 1: // by a signal
			s.write("host.toml", changed)
			p.signal(syscall.SIGHUP)
			p.wait(path, func() bool { return p.get(path).status == 200 })
		case 2: // by the admin listener
			s.write("host.toml", changed)
			p.operate("POST", "/reload").want(200)
			p.get(path).want(200)
		case 3: // the host notices a changed plugin
			wasm := build(round / 4)
			s.write("plugins/user.wasm", wasm)
			p.wait("the other user.wasm", func() bool { return p.hash("user") == hashOf(wasm) })
		}
		now := p.gauge("wasmlane_generation")
		if now <= generation {
			t.Fatalf("round %d: generation %g after %g", round, now, generation)
		}
		generation = now
		memory = append(memory, p.gauge("process_resident_memory_bytes"))
		goroutines = append(goroutines, p.gauge("go_goroutines"))
	}
	requests := work.stop()
	t.Logf("%d reloads, %d requests", rounds, requests)
	if requests < rounds {
		t.Errorf("only %d requests during %d reloads: that was no load", requests, rounds)
	}
	if failures := strings.Count(p.stderr.String(), "reload failed"); failures > 0 {
		t.Errorf("%d reloads failed", failures)
	}

	// All generations but the last are gone, with what they held.
	quiet := goroutines[0]
	p.wait(fmt.Sprintf("at most %g goroutines, as at the begin", quiet), func() bool { return p.gauge("go_goroutines") <= quiet })
	if rounds >= 100 {
		early, late := median(memory[30:60]), median(memory[len(memory)-20:])
		t.Logf("resident memory: %.0f MB early, %.0f MB late", early/1e6, late/1e6)
		if late > 1.3*early+20e6 {
			t.Errorf("resident memory grew from %.0f MB to %.0f MB", early/1e6, late/1e6)
		}
	}
	p.stop()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// hash returns the SHA-256 of a plugin that the host has loaded.
func (p *process) hash(name string) string {
	p.t.Helper()
	var plugins []struct{ Name, SHA256 string }
	p.operate("GET", "/plugins").want(200).decode(&plugins)
	for _, plugin := range plugins {
		if plugin.Name == name {
			return plugin.SHA256
		}
	}
	return ""
}

func hashOf(wasm string) string {
	sum := sha256.Sum256([]byte(wasm))
	return hex.EncodeToString(sum[:])
}

// load is clients that send requests all the time, each over one connection.
type load struct {
	t        *testing.T
	requests atomic.Int64
	cancel   context.CancelFunc
	done     chan struct{} // one element for each client that has ended
	clients  int
}

// startLoad starts a client for each kind of request. The first failure of each is
// an error of the test.
func startLoad(t *testing.T, addr, user string) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: t, cancel: cancel, done: make(chan struct{}, 10)}
	for _, c := range []struct {
		method, path string
		body         func(n int) string
		status       int
	}{
		{"GET", "/users/" + user, nil, 200},
		{"GET", "/load/1", nil, 200},
		{"POST", "/users", func(n int) string { return fmt.Sprintf(`{"name": "N", "email": "n%d@example.com"}`, n) }, 201},
		{"POST", "/orders", func(int) string { return fmt.Sprintf(`{"user_id": %q, "product_id": "p", "quantity": 1}`, user) }, 201},
	} {
		l.clients++
		go func() {
			defer func() { l.done <- struct{}{} }()
			if err := l.run(ctx, c.method, addr, c.path, c.body, c.status); err != nil {
				t.Errorf("%s %s: %v", c.method, c.path, err)
			}
		}()
	}
	t.Cleanup(func() { l.stop() })
	return l
}

// run sends requests one after the other over one connection until ctx ends. An
// HTTP client would repeat a GET by itself, and open another connection when it is
// short of time: only a connection of our own shows that it was never closed.
func (l *load) run(ctx context.Context, method, addr, path string, body func(n int) string, status int) error {
	s, err := connect(addr)
	if err != nil {
		return err
	}
	defer s.Close()
	for n := 0; ctx.Err() == nil; n++ {
		content := ""
		if body != nil {
			content = body(n)
		}
		if err := s.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		resp, err := s.ask(method, path, content)
		if err != nil {
			return fmt.Errorf("request %d: %w", n, err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			return fmt.Errorf("request %d: %d %s %v, want %d", n, resp.StatusCode, text, err, status)
		}
		l.requests.Add(1)
		time.Sleep(4 * time.Millisecond) // leaves the reloads some of the processor
	}
	return nil
}

// stop ends the clients and returns how many requests they have made.
func (l *load) stop() int {
	l.cancel()
	for ; l.clients > 0; l.clients-- {
		<-l.done
	}
	return int(l.requests.Load())
}
