//go:build !race && linux

package proof

import (
	"syscall"
	"testing"
	"time"
)

// A host whose link drops says nothing, not even that it is gone. Calls to it wait
// for their time to be up.
func TestHostIsCutOff(t *testing.T) {
	silence(t, "user-1 is cut off", func(h *host) { h.cut() }, func(h *host) { h.mend() })
}

// A host that hangs takes connections, as the system does that for it, and answers
// nothing.
func TestHostHangs(t *testing.T) {
	silence(t, "user-1 hangs", func(h *host) { h.signal(syscall.SIGSTOP) }, func(h *host) { h.signal(syscall.SIGCONT) })
}

func silence(t *testing.T, what string, fall, rise func(*host)) {
	c := begin(t)
	l := c.load()
	l.phase("all is well")
	quiet()
	l.phase(what)
	fall(c.user1)
	quiet()
	settled := l.phase("after a while")
	quiet()
	l.phase("user-1 is back")
	rise(c.user1)
	c.user1.asked()
	quiet()
	end := l.end()
	l.kept()
	l.report()
	_ = settled
	if failed := l.failed(begunIn(time.Time{}, end)); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}
