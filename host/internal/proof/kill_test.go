//go:build !race && linux

package proof

import (
	"testing"
	"time"
)

// A host is killed. The calls that are in flight there are made again at the other
// one, so that nobody notices.
func TestHostIsKilled(t *testing.T) {
	if failed := killed(t); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}

// Where no call may be sent twice the orders in flight there fail, and no others: it
// was dead before they were begun.
func TestHostIsKilledWithoutRetries(t *testing.T) {
	if failed := killed(t, tryTimeout, "retries = 0\n"); len(failed) > *clients {
		t.Errorf("%d orders failed of %d clients:\n%s", len(failed), *clients, reasons(failed))
	}
}

// tryTimeout is a line of order.toml.
const tryTimeout = `try_timeout    = "500ms"   # then the other host is asked` + "\n"

// killed returns the orders that failed, of those that may.
func killed(t *testing.T, edits ...string) []order {
	c := begin(t, edits...)
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase("user-1 is killed")
	c.user1.kill()
	dead := time.Now()
	quiet()
	l.phase("user-1 is back")
	c.user1.run()
	c.user1.asked()
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if failed := l.failed(begunIn(dead, end)); len(failed) > 0 {
		t.Errorf("orders failed that were begun when the host was dead:\n%s", reasons(failed))
	}
	return l.failed(begunIn(time.Time{}, dead))
}

// The host that takes the orders is killed. What it answered 201 is there when it
// is back.
func TestOrderHostIsKilled(t *testing.T) {
	c := begin(t)
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase("order is killed")
	c.order.kill()
	time.Sleep(*duration / 4)
	c.order.run()
	back := l.phase("order is back")
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if failed := l.failed(begunIn(back, end)); len(failed) > 0 {
		t.Errorf("orders failed that were begun when the host was back:\n%s", reasons(failed))
	}
}

// With no host of user left orders are refused, at once, and are taken again when
// one is back.
func TestNoHostIsLeft(t *testing.T) {
	c := begin(t)
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase("user-1 and user-2 are killed")
	c.user1.kill()
	c.user2.kill()
	dead := time.Now()
	quiet()
	back := l.phase("user-2 is back")
	c.user2.run()
	c.user2.asked()
	settled := l.phase("it is asked again")
	quiet()
	end := l.end()
	l.kept()
	l.report()
	if made := l.answered(201, begunIn(dead, back)); len(made) > 0 {
		t.Errorf("%d orders were answered 201 with nobody to ask for the user", len(made))
	}
	for _, o := range l.failed(begunIn(dead, end)) {
		if took := o.ended.Sub(o.begun); o.status != 502 && o.status != 503 || took > patience/4 {
			t.Errorf("an order was refused with %d %s after %v; want 502 or 503, at once", o.status, o.failure, took)
			break
		}
	}
	if failed := l.failed(begunIn(settled, end)); len(failed) > 0 {
		t.Errorf("orders failed with a host there:\n%s", reasons(failed))
	}
}
