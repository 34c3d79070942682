package host

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/discovery/consultest"
)

// registry is an agent of Consul that a test can look into.
type registry interface {
	origin() string
	// look returns the address, the port, the tags and the health of a service; ""
	// when it is not known.
	look(id string) string
	stop()  // as a crash
	start() // again, with nothing registered
}

// registries runs a test against each kind of agent.
func registries(t *testing.T, test func(t *testing.T, agent registry)) {
	t.Run("played", func(t *testing.T) { test(t, played{consultest.New(t)}) })
	t.Run("real", func(t *testing.T) { test(t, newRealConsul(t)) })
}

type played struct{ *consultest.Agent }

func (p played) origin() string { return p.Origin }
func (p played) stop()          { p.Stop() }
func (p played) start()         { p.Start() }
func (p played) look(id string) string {
	s, status, ok := p.Service(id)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d %v %s", s.Address, s.Port, s.Tags, status)
}

// realConsul is a process. It keeps nothing on disk, so that a new one knows of
// nothing.
type realConsul struct {
	t     *testing.T
	ports [3]string // of HTTP, the server, gossip
	cmd   *exec.Cmd
}

func newRealConsul(t *testing.T) *realConsul {
	if _, err := exec.LookPath("consul"); err != nil {
		// Not a failure with CI=true, either: no package of Debian has it.
		t.Skip("consul is not installed; put the binary of https://developer.hashicorp.com/consul/install into PATH to run this against the real one")
	}
	c := &realConsul{t: t}
	for i := range c.ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, c.ports[i], _ = net.SplitHostPort(l.Addr().String())
		defer l.Close()
	}
	return c
}

func (c *realConsul) origin() string { return "http://127.0.0.1:" + c.ports[0] }

func (c *realConsul) start() {
	c.t.Helper()
	c.cmd = exec.Command("consul", "agent", "-dev", "-node", "test", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "error",
		"-http-port", c.ports[0], "-server-port", c.ports[1], "-serf-lan-port", c.ports[2], "-serf-wan-port", "-1",
		"-dns-port", "-1", "-grpc-port", "-1", "-grpc-tls-port", "-1")
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	cmd := c.cmd
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (c *realConsul) stop() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *realConsul) look(id string) string {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(c.origin() + "/v1/agent/health/service/id/" + id)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var document struct {
		AggregatedStatus string
		Service          *struct {
			Address string
			Port    int
			Tags    []string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&document); err != nil || document.Service == nil {
		return ""
	}
	s := document.Service
	return fmt.Sprintf("%s:%d %v %s", s.Address, s.Port, s.Tags, document.AggregatedStatus)
}
