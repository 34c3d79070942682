//go:build !race && linux

package proof

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// notes is a host whose plugin does what a request's header says, one command of
// the store for example; see abi/conformance.
const notes = `
[server]
listen = "0.0.0.0:8001"

[store]
backend = "redis"
url     = "redis://:correct-horse@10.0.0.31:6379/0"

[plugin.go]
store = "notes"
calls = ["nobody"]

[service.nobody]
targets = ["http://10.0.0.1:1"]

[[route]]
path    = "/run"
handler = "go.run"
`

// A write that was on its way when the link dropped is not carried out by Redis
// after the host has given it up, over what others have written since.
func TestWritesAreNotLate(t *testing.T) {
	n := newNetwork(t)
	newStore(n)
	a := newHost(n, "a", "10.0.0.41", "abi/conformance/guests/go", notes)
	b := newHost(n, "b", "10.0.0.42", "abi/conformance/guests/go", notes)
	for _, h := range []*host{a, b} {
		h.run()
		h.ready(200)
	}
	a.does("kv_set note first", "ok")
	a.cut()
	if got := a.script("kv_set note late"); got == "ok" {
		t.Fatal("a write was confirmed without Redis")
	}
	a.ready(503)
	b.does("kv_set note new", "ok")
	// What the system keeps until it knows where to send it, for some seconds, is not
	// the connection's any more, and nobody's to discard.
	n.ip("-n", a.space, "neigh", "flush", "dev", "eth0")
	a.mend()
	a.ready(200)
	wait(t, "all that was sent before to be gone", func() bool { return len(a.unsent()) == 0 })
	b.does("kv_get note", "new")
	a.does("kv_get note", "new")
}

// script has the plugin carry out a command, asked from the host's own machine.
func (h *host) script(command string) string {
	h.t.Helper()
	req, err := http.NewRequest("GET", "http://127.0.0.1:8001/run", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Script", command)
	_, answer, err := send(h.machine, req)
	if err != nil {
		h.t.Fatalf("%s on %s: %v", command, h.name, err)
	}
	return strings.TrimSpace(answer)
}

func (h *host) does(command, want string) {
	h.t.Helper()
	if got := h.script(command); got != want {
		h.t.Errorf("%s on %s gives %q, want %q", command, h.name, got, want)
	}
}

// unsent returns the machine's connections to Redis over which the system has still
// something to send, be they closed or not.
func (h *host) unsent() (list []string) {
	h.t.Helper()
	err := h.inside(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/tcp")
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st tx_queue:rx_queue …
			f := strings.Fields(line)
			if len(f) > 4 && strings.HasSuffix(f[2], ":18EB") && !strings.HasPrefix(f[4], "00000000:") {
				list = append(list, line)
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}
