//go:build !race && linux

package proof

import (
	"testing"
	"time"
)

// The hosts of user are found by name. They come and go with their records, and
// neither records that vanish nor a name server that is away fails an order.
func TestHostsByName(t *testing.T) {
	n := newNetwork(t)
	dns := newNames(t, n.machine("names", "10.0.0.53"), map[string]string{
		"user-1.internal.": "10.0.0.11",
		"user-2.internal.": "10.0.0.12",
		"user-3.internal.": "10.0.0.13",
	})
	dns.list("user-1.internal.", "user-2.internal.")
	c := beginOn(t, n, byName...)
	l := c.load()
	begun := l.phase("all is well")
	c.user1.asked()
	c.user2.asked()
	quiet()

	l.phase("user-1's record is gone")
	dns.list("user-2.internal.")
	c.user1.unasked()
	l.phase("user-1 stops")
	c.user1.stop()
	quiet()

	l.phase("user-3's record comes")
	user3 := newHost(n, "user-3", "10.0.0.13", "plugins/user", testdata(t, "user.toml"))
	user3.run()
	user3.ready(200)
	dns.list("user-2.internal.", "user-3.internal.")
	user3.asked()
	quiet()

	l.phase("user-2 is killed")
	c.user2.kill()
	quiet()

	l.phase("all records are gone")
	dns.list()
	asked := dns.queries()
	wait(t, "the name to be asked for again", func() bool { return dns.queries() > asked+1 })
	quiet()

	l.phase("the name server is silent")
	dns.hush(true)
	quiet()

	l.phase("user-1 is back, by name")
	c.user1.run()
	dns.list("user-1.internal.", "user-3.internal.")
	dns.hush(false)
	c.user1.asked()
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if failed := l.failed(begunIn(begun, end)); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}

// unasked waits until the host is not asked any more.
func (h *host) unasked() {
	h.t.Helper()
	wait(h.t, h.name+" not to be asked for users", func() bool {
		before := h.served()
		time.Sleep(300 * time.Millisecond)
		return h.served() == before
	})
}
