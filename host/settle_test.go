package host

import (
	"net"
	"testing"
	"time"
)

// TestPeakIsGivenBack: when the connections of a peak have ended, their memory is
// soon given back, and a few that end make nothing of it.
func TestPeakIsGivenBack(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": says("a")}})
	due := func(wait time.Duration) bool {
		r.settling.mu.Lock()
		defer r.settling.mu.Unlock()
		return r.settling.due[wait] != nil
	}
	visit := func(n int) {
		var all []net.Conn
		for range n {
			c, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		r.until("all connections", func() bool { return r.server.Load().Stats().Open == n })
		for _, c := range all {
			_ = c.Close()
		}
		r.until("their end", func() bool { return r.server.Load().Stats().Open == 0 })
	}
	visit(10)
	if due(ebbAfter) {
		t.Error("memory is given back for ten connections")
	}
	visit(300)
	if !due(ebbAfter) {
		t.Error("memory is not given back")
	}
	// What waits for another time does not wait for that.
	r.settling.after(time.Hour, func() {})
	if !due(time.Hour) {
		t.Error("one that is due keeps another from becoming so")
	}
}
