//go:build !race && linux

package proof

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network is a bridge in a namespace of its own, and machines around it.
type network struct {
	t      *testing.T
	middle string // the namespace of the bridge
	id     string
}

// machine is a namespace with one link to the bridge.
type machine struct {
	network *network
	name    string
	space   string // the namespace
	addr    string
	handle  int // of the namespace
}

// newNetwork makes a network that ends with the test, or skips the test where that
// is not allowed.
func newNetwork(t *testing.T) *network {
	t.Helper()
	need(t, "ip", "iproute2")
	if os.Geteuid() != 0 {
		lacks(t, "network namespaces are root's to make; run the test as root")
	}
	n := &network{t: t, id: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))}
	n.middle = self().name(n.id + "-bridge")
	out, err := exec.Command("ip", "netns", "add", n.middle).CombinedOutput()
	if text := strings.ToLower(string(out)); strings.Contains(text, "not permitted") || strings.Contains(text, "permission denied") {
		// A container without the right to: nothing that is installed helps.
		t.Skipf("this system allows no network namespaces: ip netns add: %s", out)
	} else if err != nil {
		t.Fatalf("ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() { removeSpace(n.middle) })
	n.ip("-n", n.middle, "link", "add", "bridge", "type", "bridge", "stp_state", "0", "forward_delay", "0")
	n.ip("-n", n.middle, "link", "set", "bridge", "up")
	return n
}

// ip runs iproute2.
func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// machine adds one at an address of 10.0.0.0/24.
func (n *network) machine(name, addr string) *machine {
	n.t.Helper()
	m := &machine{network: n, name: name, addr: addr, space: self().name(n.id + "-" + name)}
	n.ip("netns", "add", m.space)
	n.t.Cleanup(func() { removeSpace(m.space) })
	n.ip("-n", m.space, "link", "set", "lo", "up")
	n.ip("-n", m.space, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", n.middle)
	n.ip("-n", m.space, "addr", "add", addr+"/24", "dev", "eth0")
	n.ip("-n", m.space, "link", "set", "eth0", "up")
	n.ip("-n", n.middle, "link", "set", "dev", name, "master", "bridge", "up")
	handle, err := unix.Open(filepath.Join(netns, m.space), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = unix.Close(handle) })
	m.handle = handle
	return m
}

// cut takes the machine's cable out at the bridge: packets vanish both ways, and
// nobody is told.
func (m *machine) cut() { m.network.ip("-n", m.network.middle, "link", "set", "dev", m.name, "down") }

// mend puts it back.
func (m *machine) mend() { m.network.ip("-n", m.network.middle, "link", "set", "dev", m.name, "up") }

// resolver makes programs of this machine ask that name server.
func (m *machine) resolver(addr string) {
	m.network.t.Helper()
	dir := filepath.Join(etc, m.space)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		m.network.t.Fatal(err)
	}
	text := "nameserver " + addr + "\noptions timeout:1 attempts:2\n"
	if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte(text), 0o644); err != nil {
		m.network.t.Fatal(err)
	}
}

// inside runs a function on a thread in the machine's namespace. The sockets that
// it opens belong there for good, whoever uses them.
func (m *machine) inside(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and not unlocked, so that the thread ends with the goroutine
		if err := unix.Setns(m.handle, unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering the namespace %s: %w", m.space, err)
			return
		}
		done <- do()
	}()
	return <-done
}

// dial connects from this machine to an address.
func (m *machine) dial(ctx context.Context, addr string) (c net.Conn, err error) {
	err = m.inside(func() error {
		c, err = (&net.Dialer{KeepAlive: -time.Second}).DialContext(ctx, "tcp", addr)
		return err
	})
	return c, err
}
