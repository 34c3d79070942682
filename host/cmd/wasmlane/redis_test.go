//go:build unix

package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv/redistest"
)

// onRedis has a site keep its data on a Redis.
func onRedis(t *testing.T, url string) *site {
	t.Helper()
	s := newSite(t)
	s.edit(`backend = "embedded"`, `backend = "redis"`, `url     = ""`, fmt.Sprintf("url = %q", url))
	return s
}

func (p *process) ready() bool { return p.operate("GET", "/readyz").status == 200 }

// TestTwoHostsOneRedis: hosts that share a Redis see each other's data at once.
func TestTwoHostsOneRedis(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "hunter2")
	url := "redis://:hunter2@" + server.Addr + "/3"
	a, b := onRedis(t, url).start(), onRedis(t, url).start()
	for _, p := range []*process{a, b} {
		p.wait("a ready host", p.ready)
	}
	ada := a.do("POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`).want(201).field("id")
	b.get("/users/" + ada).want(200)
	b.do("POST", "/users", `{"name": "Eve", "email": "ada@example.com"}`).want(409)
	bob := b.do("POST", "/users", `{"name": "Bob", "email": "bob@example.com"}`).want(201).field("id")
	if ada == bob {
		t.Errorf("both users are %s", ada)
	}
	order := b.do("POST", "/orders", fmt.Sprintf(`{"user_id": %q, "product_id": "p", "quantity": 1}`, ada)).want(201).field("id")
	a.get("/orders/" + order).want(200)
	if list := a.get("/users/" + ada + "/orders").want(200).body; !strings.Contains(list, order) {
		t.Errorf("the list is %s", list)
	}
	a.do("DELETE", "/users/"+ada, "").want(204)
	b.get("/users/" + ada).want(404)
	for _, p := range []*process{a, b} {
		if p.gauge("wasmlane_store_up") != 1 {
			t.Error("the store is not up")
		}
		for name, text := range map[string]string{"/config": p.operate("GET", "/config").body, "the log": p.stderr.String()} {
			if strings.Contains(text, "hunter2") {
				t.Errorf("%s shows the password", name)
			}
		}
		p.stop()
	}
}

// TestRedisKilledUnderLoad kills Redis and starts it again while clients order. No
// order that was answered 201 is lost, the host says that it is not ready and then
// that it is, and logs a line for either.
func TestRedisKilledUnderLoad(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	p := onRedis(t, "redis://"+server.Addr).start()
	p.wait("a ready host", p.ready)
	ada := p.do("POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`).want(201).field("id")
	var mu sync.Mutex
	var orders []string
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for !stop.Load() {
				r, err := http.Post("http://"+p.addr+"/orders", "application/json",
					strings.NewReader(fmt.Sprintf(`{"user_id": %q, "product_id": "p", "quantity": 1}`, ada)))
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := readReply(t, r)
				switch {
				case err != nil || r.StatusCode < 500 && r.StatusCode != 201:
					t.Errorf("%d %s, %v", r.StatusCode, answer.body, err)
					return
				case r.StatusCode == 201:
					id := answer.field("id")
					mu.Lock()
					orders = append(orders, id)
					mu.Unlock()
				default:
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	ordered := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(orders)
	}
	for range 2 {
		goal := ordered() + 50
		p.wait("some orders", func() bool { return ordered() >= goal || t.Failed() })
		server.Kill()
		p.wait("a host that is not ready", func() bool { return !p.ready() })
		p.wait("the reason", func() bool { // at first it may be that the connection has ended
			reason := p.operate("GET", "/readyz").want(503).field("reason")
			return strings.Contains(reason, server.Addr) && strings.Contains(reason, "refused")
		})
		p.get("/ready").want(503)
		if p.gauge("wasmlane_store_up") != 0 {
			t.Error("the gauge says that the store is up")
		}
		server.Restart(t)
		p.wait("a ready host", p.ready)
		p.get("/ready").want(200)
	}
	goal := ordered() + 50
	p.wait("more orders", func() bool { return ordered() >= goal || t.Failed() })
	stop.Store(true)
	clients.Wait()
	for _, id := range orders {
		p.get("/orders/" + id).want(200)
	}
	t.Logf("%d orders", len(orders))
	log := p.stderr.String()
	if down, back := strings.Count(log, "the store is down"), strings.Count(log, "the store is back"); down < 2 || back != down || strings.Contains(log, "store unavailable\" ") {
		t.Errorf("the log has %d lines that the store is down, %d that it is back", down, back)
	}
}

// TestRedisAtStart: the host starts without its store, says so, and comes to life
// with it. A wrong password is told in the same way.
func TestRedisAtStart(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "hunter2")
	server.Kill()
	s := onRedis(t, "redis://:wrong-secret@"+server.Addr)
	p := s.start()
	p.expectLog("the store is down")
	if p.ready() {
		t.Error("a host without its store is ready")
	}
	p.do("POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`)
	server.Restart(t)
	p.expectLog("WRONGPASS")
	if reason := p.operate("GET", "/readyz").want(503).field("reason"); !strings.Contains(reason, "WRONGPASS") {
		t.Errorf("the reason is %q", reason)
	}
	// The file is watched: a corrected URL needs no restart.
	s.edit("wrong-secret", "hunter2")
	p.wait("a ready host", p.ready)
	p.do("POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`).want(201)
	if log := p.stderr.String(); strings.Contains(log, "wrong-secret") || strings.Contains(log, "hunter2") {
		t.Error("the log shows a password")
	}
	p.stop()
}
