//go:build !race && linux

package proof

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// Redis is killed in the middle of writes and comes back with what is on its disk.
func TestRedisIsKilled(t *testing.T) {
	redisFails(t, "Redis is killed", func(s *store) { s.kill() }, func(s *store) { s.run() })
}

// Redis is there, and not to be reached.
func TestRedisIsCutOff(t *testing.T) {
	redisFails(t, "Redis is cut off", func(s *store) { s.cut() }, func(s *store) { s.mend() })
}

// Redis takes connections, as the system does that for it, and answers nothing.
func TestRedisHangs(t *testing.T) {
	redisFails(t, "Redis hangs", func(s *store) { s.signal(syscall.SIGSTOP) }, func(s *store) { s.signal(syscall.SIGCONT) })
}

// Without Redis orders are refused, the hosts' readiness says so, and all is well
// again by itself when it is back. What was answered 201 is there.
func redisFails(t *testing.T, what string, fall, rise func(*store)) {
	c := begin(t)
	hosts := []*host{c.user1, c.user2, c.order}
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase(what)
	fall(c.redis)
	gone := time.Now()
	for _, h := range hosts {
		if body := h.ready(503); body == "" {
			t.Errorf("/readyz of %s says nothing about it", h.name)
		}
	}
	for _, path := range []string{"/orders/1", "/orders/999999999"} {
		if status, body := c.ask(c.order.machine, "GET", path, ""); status != 503 || !strings.Contains(body, "unavailable") {
			t.Errorf("reading an order is answered %d %s, want 503", status, body)
		}
	}
	quiet()
	l.phase("Redis is back")
	back := time.Now()
	rise(c.redis)
	for _, h := range hosts {
		h.ready(200)
	}
	settled := l.phase("the hosts are ready")
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if made := l.answered(201, func(o order) bool { return o.begun.After(gone) && o.ended.Before(back) }); len(made) > 0 {
		t.Errorf("%d orders were answered 201 with no Redis to keep them", len(made))
	}
	for _, o := range l.failed(begunIn(gone, back)) {
		if o.status != 503 && o.status != 504 {
			t.Errorf("without Redis an order was answered %d %s; want 503 or 504", o.status, o.failure)
			break
		}
	}
	if failed := l.failed(begunIn(settled, end)); len(failed) > 0 {
		t.Errorf("orders failed when all hosts were ready again:\n%s", reasons(failed))
	}
}

// One host of user alone has lost Redis. It answers that it is not able to, and the
// other one is asked.
func TestHostLosesRedis(t *testing.T) {
	c := begin(t)
	l := c.load()
	begun := l.phase("all is well")
	c.user1.asked()
	quiet()
	l.phase("user-1 loses Redis")
	c.user1.network.ip("-n", c.user1.space, "route", "add", "blackhole", c.redis.addr)
	c.user1.ready(503)
	c.user1.unasked()
	l.phase("it is not asked")
	quiet()
	l.phase("it has Redis again")
	c.user1.network.ip("-n", c.user1.space, "route", "del", "blackhole", c.redis.addr)
	c.user1.ready(200)
	c.user1.asked()
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if failed := l.failed(begunIn(begun, end)); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}
