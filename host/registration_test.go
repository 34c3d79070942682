package host

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/discovery/consultest"
)

// Registration with Consul: each test of the protocol runs against an agent that
// this repository plays, and against the real one where it is installed.

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

// becomes waits until the agent says that of a service, "%d" being the port.
func (r *rig) becomes(agent registry, id, want string) {
	r.t.Helper()
	want = strings.ReplaceAll(want, "%d", strconv.Itoa(r.listenPort()))
	last := ""
	for end := time.Now().Add(3 * patience); last != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s is %q, want %q; the log:\n%s", id, last, want, r.logs.tail())
		}
		last = agent.look(id)
	}
}

// registering are the keys of a host that registers two of its services.
func registering(agent registry) string {
	return fmt.Sprintf(`
		discovery.consul = %q
		discovery.id = "here"
		discovery.tags = ["v2", "eu"]
		discovery.check_interval = "1s"
		service.user.targets = ["local"]
		service.front.targets = ["local"]
		service.far.targets = ["http://10.0.0.2:8001"]`, agent.origin())
}

// TestRegistration: from the start to the end of a host, by way of a reload and an
// agent that loses its memory.
func TestRegistration(t *testing.T) {
	registries(t, func(t *testing.T, agent registry) {
		if _, isReal := agent.(*realConsul); !isReal {
			agent.stop()
		}
		// The agent is down at the start: the host serves, and says so once.
		r := start(t, setup{
			keys:   registering(agent) + "\nserver.drain_delay = \"1500ms\"",
			guests: map[string]*guest{"user": says("user"), "front": says("front")},
			routes: "GET /is/ready @ready",
		})
		if a := r.get("/user/get"); a.status != 200 {
			t.Fatalf("got %v", a)
		}
		r.logged("registration failed; it is tried again", "consul", agent.origin())
		agent.start()
		r.becomes(agent, "user-here", "127.0.0.1:%d [v2 eu] passing")
		r.becomes(agent, "front-here", "127.0.0.1:%d [v2 eu] passing")
		r.becomes(agent, "far-here", "")
		r.logged("registered", "service", "user", "check", r.addr+"/is/ready")

		// A reload adds, changes and removes.
		r.rewrite(`service.front.targets = ["local"]`, `service.front.targets = ["http://10.0.0.3:8001"]`)
		r.rewrite(`["v2", "eu"]`, `["v3"]`)
		r.rewrite(`service.far.targets = ["http://10.0.0.2:8001"]`, "service.far.targets = [\"local\"]\nservice.far.plugins = [\"user\"]")
		r.reload()
		r.becomes(agent, "front-here", "")
		r.becomes(agent, "user-here", "127.0.0.1:%d [v3] passing")
		r.becomes(agent, "far-here", "127.0.0.1:%d [v3] passing")

		agent.stop()
		agent.start()
		r.becomes(agent, "user-here", "127.0.0.1:%d [v3] passing")
		r.becomes(agent, "far-here", "127.0.0.1:%d [v3] passing")

		// The registry is the first to learn of the end: requests are still served.
		r.client.CloseIdleConnections()
		r.cancel()
		r.logged("not ready; still serving")
		if got := agent.look("user-here") + agent.look("far-here"); got != "" {
			t.Errorf("still registered while the host leaves: %s", got)
		}
		if a := r.get("/user/get"); a.status != 200 {
			t.Errorf("while the host leaves a request got %v", a)
		}
		if a := r.get("/is/ready"); a.status != 503 {
			t.Errorf("while the host leaves it is ready: %v", a)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if n := len(r.logs.all("registration failed")); n > 2 { // once for each time that the agent was down
			t.Errorf("%d warnings", n)
		}
	})
}

// TestRegistrationIsChecked: the agent's check is answered by the host, by its admin
// listener where no route does; and what the host no longer has is seen.
func TestRegistrationIsChecked(t *testing.T) {
	registries(t, func(t *testing.T, agent registry) {
		if _, isReal := agent.(*realConsul); isReal {
			agent.start()
		}
		r := start(t, setup{
			keys:   registering(agent) + "\n" + openAdmin,
			guests: map[string]*guest{"user": says("user"), "front": says("front")},
		})
		r.becomes(agent, "user-here", "127.0.0.1:%d [v2 eu] passing")
		r.logged("registered", "service", "user", "check", "http://"+r.adminAddr()+"/readyz")
		r.draining.Store(true)
		r.becomes(agent, "user-here", "127.0.0.1:%d [v2 eu] critical")
		r.draining.Store(false)
		r.becomes(agent, "user-here", "127.0.0.1:%d [v2 eu] passing")

		// Switched off while the host runs.
		r.rewrite(fmt.Sprintf("discovery.consul = %q", agent.origin()), `discovery.consul = ""`)
		r.reload()
		r.becomes(agent, "user-here", "")
		r.becomes(agent, "front-here", "")
	})
}

// TestRegistrationIsNotWaitedFor: an agent that never answers, or without end, stands
// in the way of nothing.
func TestRegistrationIsNotWaitedFor(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, trouble := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-hang:
			case <-r.Context().Done(): // not before the body is read
			}
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<12)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			agent := played{consultest.New(t)}
			agent.Trouble(trouble)
			r := start(t, setup{
				keys:   registering(agent) + "\ndiscovery.token = \"" + secretMark + "\"",
				guests: map[string]*guest{"user": says("user"), "front": says("front")},
				routes: "GET /ready @ready",
			})
			r.until("a request to the agent", func() bool { return len(agent.Requests()) > 0 })
			r.reload()
			if a := r.get("/ready"); a.status != 200 {
				t.Errorf("got %v", a)
			}
			begin := time.Now()
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took > farewell+patience/2 {
				t.Errorf("the end took %v", took)
			}
			r.logged("not deregistered; Consul finds out by its check", "service", "user")
			if strings.Contains(r.logs.String(), secretMark) {
				t.Error("the log holds the token")
			}
		})
	}
}

// TestRegistrationPlan: what is registered, and how it is checked, for each way that
// a host can listen.
func TestRegistrationPlan(t *testing.T) {
	ready := "route = [{path = \"/is/ready\", method = \"GET\", handler = \"@ready\"}]\n"
	for name, c := range map[string]struct {
		server, admin string
		tls           bool
		toml          string
		far           bool // the agent is on another machine
		want, check   string
	}{
		"wildcard": {server: "0.0.0.0:80", toml: ready, want: ":8001", check: "http://127.0.0.1:8001/is/ready"},
		"ipv6":     {server: "[::]:80", toml: ready, want: ":8001", check: "http://127.0.0.1:8001/is/ready"},
		"all":      {server: ":80", toml: ready, want: ":8001", check: "http://127.0.0.1:8001/is/ready"},
		"one":      {server: "10.0.0.5:80", toml: ready, want: "10.0.0.5:8001", check: "http://10.0.0.5:8001/is/ready"},
		"one ipv6": {server: "[2001:db8::5]:80", toml: ready, want: "2001:db8::5:8001", check: "http://[2001:db8::5]:8001/is/ready"},
		"loopback": {server: "127.0.0.1:80", toml: ready, want: "127.0.0.1:8001", check: "http://127.0.0.1:8001/is/ready"},
		"tls":      {server: "0.0.0.0:80", tls: true, toml: ready, want: ":8001", check: "https://127.0.0.1:8001/is/ready"},
		"address":  {server: "0.0.0.0:80", toml: ready + `discovery.address = "lb.example"`, want: "lb.example:8001", check: "http://127.0.0.1:8001/is/ready"},
		"mapped":   {server: "0.0.0.0:80", toml: ready + `discovery.address = "192.0.2.9:80"`, want: "192.0.2.9:80", check: "http://127.0.0.1:8001/is/ready"},
		"brackets": {server: "0.0.0.0:80", toml: ready + `discovery.address = "[2001:db8::5]"`, want: "2001:db8::5:8001", check: "http://127.0.0.1:8001/is/ready"},
		"admin":    {server: "0.0.0.0:80", admin: "127.0.0.1:90", tls: true, want: ":8001", check: "http://127.0.0.1:9001/readyz"},
		"open":     {server: "0.0.0.0:80", admin: "10.0.0.5:90", want: ":8001", check: "http://10.0.0.5:9001/readyz"},

		"far, wildcard": {far: true, server: "0.0.0.0:80", toml: ready, want: "127.0.0.1:8001", check: "http://127.0.0.1:8001/is/ready"},
		"far, one":      {far: true, server: "10.0.0.5:80", toml: ready, want: "10.0.0.5:8001", check: "http://10.0.0.5:8001/is/ready"},
		"far, mapped":   {far: true, server: "0.0.0.0:80", toml: ready + `discovery.address = "192.0.2.9:80"`, want: "192.0.2.9:80", check: "http://192.0.2.9:80/is/ready"},
		"far, behind":   {far: true, server: "127.0.0.1:80", toml: ready + `discovery.address = "192.0.2.9:80"`, want: "192.0.2.9:80", check: "http://192.0.2.9:80/is/ready"},
		"far, admin":    {far: true, server: "10.0.0.5:80", admin: "0.0.0.0:90", want: "10.0.0.5:8001", check: "http://10.0.0.5:9001/readyz"},
		"far, no check": {far: true, server: "10.0.0.5:80", admin: "127.0.0.1:90", want: "error"},
		"no check":      {server: "10.0.0.5:80", want: "error"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "service.user.targets = [\"local\"]\ndiscovery.id = \"x\"\n" + c.toml
			cfg, errs := config.Parse("host.toml", []byte(text))
			if errs != nil {
				t.Fatal(errs)
			}
			cfg.Discovery.Consul = "http://127.0.0.1:8500"
			if c.far {
				cfg.Discovery.Consul = "http://192.0.2.1:8500"
			}
			l := listeners{server: c.server, admin: c.admin, port: 8001, adminPort: 9001, tls: c.tls}
			if name == "far, wildcard" {
				// Whatever the route there is, its address is one of this machine.
				address, err := localAddress(context.Background(), cfg.Discovery.Consul)
				if err != nil {
					t.Skipf("this machine has no route to other machines: %v", err)
				}
				c.want, c.check = address+":8001", "http://"+net.JoinHostPort(address, "8001")+"/is/ready"
			}
			all, err := l.services(context.Background(), cfg)
			got := "error"
			if err == nil && len(all) == 1 {
				got = fmt.Sprintf("%s:%d", all[0].Address, all[0].Port)
				if all[0].Check.URL != c.check || all[0].ID != "user-x" || all[0].Name != "user" {
					t.Errorf("got %+v, want the check %s", all[0], c.check)
				}
			}
			if got != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
	if address, err := localAddress(context.Background(), "http://127.0.0.1:8500"); err != nil || !isLoopback(address) {
		t.Errorf("from here to here the address is %s, %v", address, err)
	}
}
