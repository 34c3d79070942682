//go:build !race && linux

package proof

import (
	"testing"
)

// A host that is told to stop lets the requests that it has end. Nobody notices:
// every host is stopped and started in its turn, as an update does it.
func TestHostsAreUpdated(t *testing.T) {
	c := begin(t)
	l := c.load()
	begun := l.phase("all is well")
	quiet()
	for _, h := range []*host{c.user1, c.user2} {
		l.phase(h.name + " stops")
		h.stop()
		quiet()
		l.phase(h.name + " is back")
		h.run()
		h.asked()
		quiet()
	}
	end := l.end()
	l.kept()
	l.report()
	if failed := l.failed(begunIn(begun, end)); len(failed) > 0 {
		t.Errorf("orders failed:\n%s", reasons(failed))
	}
}
