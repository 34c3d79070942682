//go:build !race && linux

package proof

import (
	"testing"
	"time"
)

// A bad cable: the link of one host of user comes and goes.
func TestLinkFlaps(t *testing.T) {
	c := begin(t)
	l := c.load()
	begun := l.phase("all is well")
	quiet()
	l.phase("user-1's link flaps")
	for end := time.Now().Add(2 * *duration); time.Now().Before(end); {
		c.user1.cut()
		time.Sleep(*duration / 5)
		c.user1.mend()
		time.Sleep(*duration / 10)
	}
	l.phase("it holds")
	c.user1.asked()
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if failed := l.failed(begunIn(begun, end)); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}

// What Redis answers is lost on the way, so that writes are done and nobody is told.
// No order is made twice.
func TestAnswersOfRedisVanish(t *testing.T) {
	neighbour := func(do string, more ...string) func(*store) {
		return func(s *store) {
			s.network.ip(append([]string{"-n", s.space, "neigh", do, "10.0.0.21", "dev", "eth0"}, more...)...)
		}
	}
	redisFails(t, "the answers to order vanish", []string{"order"},
		neighbour("replace", "lladdr", "02:00:00:00:00:01", "nud", "permanent"), neighbour("del"))
}

// Hosts start in any order: without Redis they are not ready, and come in by
// themselves when it is there. So does the name server.
func TestHostsStartFirst(t *testing.T) {
	n := newNetwork(t)
	dns := newNames(t, n.machine("names", "10.0.0.53"), map[string]string{"user-1.internal.": "10.0.0.11"})
	dns.list("user-1.internal.")
	dns.hush(true)
	order := newHost(n, "order", "10.0.0.21", "plugins/order", edited(t, testdata(t, "order.toml"), byName...))
	order.resolver("10.0.0.53")
	user := newHost(n, "user-1", "10.0.0.11", "plugins/user", testdata(t, "user.toml"))
	client := n.machine("client", "10.0.0.99")
	for _, h := range []*host{order, user} {
		h.run()
		h.ready(503)
	}
	if status, body, err := request(client, "10.0.0.21:8001", "GET", "/orders/1", ""); status != 503 {
		t.Errorf("without Redis reading an order gives %d %s, %v", status, body, err)
	}
	newStore(n)
	dns.hush(false)
	for _, h := range []*host{order, user} {
		h.ready(200)
	}
	wait(t, "a user to be made", func() bool {
		status, _, _ := request(client, "10.0.0.11:8001", "POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`)
		return status == 201
	})
	wait(t, "an order to be made", func() bool {
		status, _, _ := request(client, "10.0.0.21:8001", "POST", "/orders", `{"user_id": "1", "product_id": "p", "quantity": 1}`)
		return status == 201
	})
}

// Both hosts of user fall silent. Orders are refused before a client would give up,
// and are taken again when the hosts are back.
func TestAllHostsAreCutOff(t *testing.T) {
	c := begin(t)
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase("user-1 and user-2 are cut off")
	c.user1.cut()
	c.user2.cut()
	gone := time.Now()
	c.leftOut(c.user1)
	c.leftOut(c.user2)
	wait(t, "an order to be refused", func() bool { return len(l.refused(begunIn(gone, time.Now()))) > 0 })
	quiet()
	l.phase("they are back")
	c.user1.mend()
	c.user2.mend()
	back := time.Now()
	c.user1.asked()
	c.user2.asked()
	settled := l.phase("they are asked again")
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if made := l.answered(201, func(o order) bool { return o.begun.After(gone) && o.ended.Before(back) }); len(made) > 0 {
		t.Errorf("%d orders were answered 201 with nobody to ask for the user", len(made))
	}
	for _, o := range l.failed(begunIn(time.Time{}, end)) {
		if o.status < 502 || o.status > 504 {
			t.Errorf("an order was refused with %d %s; want 502, 503 or 504", o.status, o.failure)
			break
		}
	}
	if failed := l.failed(begunIn(settled, end)); len(failed) > 0 {
		t.Errorf("orders failed with hosts there:\n%s", reasons(failed))
	}
}
