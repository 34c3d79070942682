package host

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/discovery/consultest"
)

// Registration with Consul: each test of the protocol runs against an agent that
// this repository plays, and against the real one where it is installed.

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

// tells waits until the metrics have these services, and whether they are registered.
func (r *rig) tells(want map[string]float64) {
	r.t.Helper()
	r.until(fmt.Sprint("the metrics to have ", want), func() bool {
		got := map[string]float64{}
		for series, value := range r.scrape() {
			if _, labels, ok := strings.Cut(series, `wasmlane_service_registered{service="`); ok {
				got[strings.TrimSuffix(labels, `"}`)] = value
			}
		}
		return maps.Equal(got, want)
	})
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
			keys:   registering(agent) + "\nserver.drain_delay = \"5s\"",
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
		r.tells(map[string]float64{"user": 1, "front": 1})
		if n := r.scrape()["wasmlane_registration_failures_total"]; n < 1 {
			t.Errorf("%v failures while the agent was down", n)
		}

		// A reload adds, changes and removes.
		r.rewrite(`service.front.targets = ["local"]`, `service.front.targets = ["http://10.0.0.3:8001"]`)
		r.rewrite(`["v2", "eu"]`, `["v3"]`)
		r.rewrite(`service.far.targets = ["http://10.0.0.2:8001"]`, "service.far.targets = [\"local\"]\nservice.far.plugins = [\"user\"]")
		r.reload()
		r.becomes(agent, "front-here", "")
		r.becomes(agent, "user-here", "127.0.0.1:%d [v3] passing")
		r.becomes(agent, "far-here", "127.0.0.1:%d [v3] passing")
		r.tells(map[string]float64{"user": 1, "far": 1})

		agent.stop()
		r.tells(map[string]float64{"user": 0, "far": 0})
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
