//go:build !race && linux

package proof

import (
	"syscall"
	"testing"
	"time"
)

// A host whose link drops says nothing, not even that it is gone. A call there waits
// for try_timeout, and is made again at the other host.
func TestHostIsCutOff(t *testing.T) {
	failed := silence(t, "user-1 is cut off", (*host).cut, (*host).mend)
	if len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}

// Without try_timeout the orders that wait for it fail, when their own time is up. They
// are those in flight: once the host is known to be gone none is added.
func TestHostIsCutOffWithoutTryTimeout(t *testing.T) {
	failed := silence(t, "user-1 is cut off", (*host).cut, (*host).mend, tryTimeout, "")
	if len(failed) > *clients {
		t.Errorf("%d orders failed of %d clients:\n%s", len(failed), *clients, reasons(failed))
	}
	for _, o := range failed {
		if o.status != 504 {
			t.Errorf("an order was answered %d %s; want 504", o.status, o.failure)
		}
	}
}

// A host that hangs takes connections, as the system does that for it, and answers
// nothing.
func TestHostHangs(t *testing.T) {
	stop, goOn := func(h *host) { h.signal(syscall.SIGSTOP) }, func(h *host) { h.signal(syscall.SIGCONT) }
	if failed := silence(t, "user-1 hangs", stop, goOn); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}

// silence has user-1 fall silent and come back, and returns the orders that failed.
func silence(t *testing.T, what string, fall, rise func(*host), edits ...string) []order {
	c := begin(t, edits...)
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase(what)
	fall(c.user1)
	wait(t, "the order host to leave it out", func() bool { return c.order.metric("wasmlane_target_ejected{", c.user1.addr) == 1 })
	l.phase("it is left out")
	quiet()
	l.phase("user-1 is back")
	rise(c.user1)
	c.user1.asked()
	quiet()
	end := l.end()
	l.kept()
	l.report()
	return l.failed(begunIn(time.Time{}, end))
}
