package discovery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/discovery"
	"github.com/wasmlane/wasmlane/host/internal/discovery/consultest"
)

// patience bounds every wait of these tests. Only a test that fails waits so long.
const patience = 20 * time.Second

// client is one of the standard library, with the bound that a client has to have.
type client struct{ http.Client }

func (c *client) Do(ctx context.Context, origin string, r discovery.Request) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, origin+r.Target, bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, err
	}
	if r.Token != "" {
		req.Header.Set("X-Consul-Token", r.Token)
	}
	resp, err := c.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if len(body) == 64<<10 {
		err = errors.New("the answer is too large")
	}
	return resp.StatusCode, body, err
}

// rig is a registrar and its log.
type rig struct {
	*discovery.Registrar
	t   *testing.T
	mu  sync.Mutex
	log bytes.Buffer
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *rig) logged(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.log.String(), text)
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t}
	r.Registrar = discovery.New(discovery.Options{Client: new(client), Log: slog.New(slog.NewTextHandler(r, nil))})
	t.Cleanup(func() { r.close(time.Second) })
	return r
}

func (r *rig) close(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	r.Close(ctx)
}

func (r *rig) until(what string, done func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("waited for %s in vain; the log:\n%s", what, r.log.String())
		}
	}
}

// has waits until exactly these services are registered.
func (r *rig) has(a *consultest.Agent, ids ...string) {
	r.t.Helper()
	r.until(fmt.Sprint("services ", ids), func() bool {
		for _, id := range ids {
			if _, _, ok := a.Service(id); !ok {
				return false
			}
		}
		return a.Services() == len(ids)
	})
}

// plan registers services by their ids, checked at a URL.
func plan(agent discovery.Agent, url string, ids ...string) discovery.Plan {
	var all []discovery.Service
	for _, id := range ids {
		all = append(all, discovery.Service{
			ID: id, Name: strings.TrimSuffix(id, "-1"), Port: 8001, Tags: []string{"v2"},
			Check: discovery.Check{URL: url, Interval: 10 * time.Second},
		})
	}
	return discovery.Plan{Agent: agent, Every: time.Second, Services: func(context.Context) ([]discovery.Service, error) { return all, nil }}
}

func TestRegistrar(t *testing.T) {
	a, r := consultest.New(t), newRig(t)
	a.Require("s3cret")
	agent := discovery.Agent{Origin: a.Origin, Token: "s3cret"}
	r.Set(plan(agent, "http://127.0.0.1:1/", "a-1", "b-1"))
	r.has(a, "a-1", "b-1")
	s, _, _ := a.Service("a-1")
	want := consultest.Service{ID: "a-1", Name: "a", Port: 8001, Tags: []string{"v2"}, Check: consultest.Check{
		Name: "a is ready", HTTP: "http://127.0.0.1:1/", Method: "GET", Interval: "10s", Timeout: "5s", DeregisterCriticalServiceAfter: "5m0s", TLSSkipVerify: true,
	}}
	if fmt.Sprint(s) != fmt.Sprint(want) {
		t.Errorf("registered is\n%+v, want\n%+v", s, want)
	}

	r.Set(plan(agent, "http://127.0.0.1:1/", "b-1", "c-1"))
	r.has(a, "b-1", "c-1")

	// Another check is another registration; the same one is left alone.
	before := len(a.Requests())
	r.Set(plan(agent, "http://127.0.0.1:2/", "b-1", "c-1"))
	r.until("the new check", func() bool { s, _, _ := a.Service("c-1"); return s.Check.HTTP == "http://127.0.0.1:2/" })
	r.until("a look at both", func() bool {
		n := 0
		for _, request := range a.Requests()[before:] {
			if strings.HasPrefix(request, "GET /v1/agent/service/") {
				n++
			}
		}
		return n >= 4
	})
	puts := slices.DeleteFunc(a.Requests()[before:], func(s string) bool { return !strings.HasPrefix(s, "PUT") })
	if len(puts) != 2 {
		t.Errorf("the agent was told %q", puts)
	}

	// It lost them: they come back by themselves.
	a.Forget()
	r.has(a, "b-1", "c-1")

	// Another agent: the old one is told, too.
	b := consultest.New(t)
	r.Set(plan(discovery.Agent{Origin: b.Origin}, "http://127.0.0.1:2/", "b-1"))
	r.has(b, "b-1")
	r.has(a)
	r.Set(discovery.Plan{})
	r.has(b)
	r.Set(plan(agent, "http://127.0.0.1:2/", "a-1"))
	r.has(a, "a-1")

	r.close(patience)
	if a.Services() != 0 {
		t.Error("the end left a service behind")
	}
	r.Set(plan(agent, "http://127.0.0.1:2/", "a-1"))
	r.close(patience) // a second time does nothing
	if n := r.logged("level=WARN"); n != 0 || a.Services() != 0 {
		t.Errorf("%d warnings, %d services", n, a.Services())
	}
	if r.logged("s3cret") != 0 {
		t.Error("the log holds the token")
	}
}

// TestAgentInTrouble: whatever the agent does, the log says so once, and all is well
// when it is.
func TestAgentInTrouble(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, c := range map[string]struct {
		trouble http.HandlerFunc
		want    string
	}{
		"refuses": {nil, "connection refused"},
		"500": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "No cluster leader", http.StatusInternalServerError)
		}, `it answered 500: \"No cluster leader\"`},
		"redirect": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(301) }, "it answered 301"},
		"204":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "it answered 204"},
		"echo": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "bad "+r.Header.Get("X-Consul-Token"), http.StatusForbidden)
		}, `it answered 403: \"bad (hidden)\"`},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<12)); err != nil {
					return
				}
			}
		}, "too large"},
		"binary": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte("\xff\x00\n\""))
		}, "it answered 400"},
		"cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			a, r := consultest.New(t), newRig(t)
			if c.trouble == nil {
				a.Stop()
			}
			a.Trouble(c.trouble)
			p := plan(discovery.Agent{Origin: a.Origin, Token: "s3cret"}, "http://127.0.0.1:1/", "a-1", "b-1")
			r.Set(p)
			r.until(c.want, func() bool { return r.logged(c.want) > 0 })
			if c.trouble == nil {
				a.Start()
			} else {
				tried := len(a.Requests())
				r.until("another attempt", func() bool { return len(a.Requests()) > tried })
			}
			a.Trouble(nil)
			r.Set(p) // no need to wait for the next attempt
			r.has(a, "a-1", "b-1")
			r.until("recovery", func() bool { return r.logged("registration works again") == 1 })
			if n := r.logged("registration failed"); n != 1 {
				t.Errorf("%d warnings", n)
			}
			if r.logged("s3cret") != 0 {
				t.Error("the log holds the token")
			}
		})
	}
}

// TestStatus: it says of each service whether the agent has it, and counts what fails.
func TestStatus(t *testing.T) {
	a, r := consultest.New(t), newRig(t)
	is := func(want map[string]bool) {
		t.Helper()
		r.until(fmt.Sprint("the status ", want), func() bool { return maps.Equal(r.Status().Registered, want) })
	}
	is(nil)
	a.Trouble(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	p := plan(discovery.Agent{Origin: a.Origin}, "http://127.0.0.1:1/", "a-1", "b-1")
	r.Set(p)
	is(map[string]bool{"a": false, "b": false})
	r.until("a failure", func() bool { return r.Status().Failures > 0 })
	a.Trouble(nil)
	r.Set(p)
	is(map[string]bool{"a": true, "b": true})
	before := r.Status().Failures
	a.Stop()
	is(map[string]bool{"a": false, "b": false})
	r.until("more failures", func() bool { return r.Status().Failures > before })
	a.Start()
	r.Set(plan(discovery.Agent{Origin: a.Origin}, "http://127.0.0.1:1/", "b-1", "c-1"))
	is(map[string]bool{"b": true, "c": true})
	r.Set(discovery.Plan{})
	is(nil)
	r.Set(p)
	is(map[string]bool{"a": true, "b": true})
	r.close(patience)
	is(nil)
}

// TestGivenUp: a service that cannot be deregistered is given up at some time, and the
// log says so although the trouble has been told of.
func TestGivenUp(t *testing.T) {
	a, r := consultest.New(t), newRig(t)
	r.Set(plan(discovery.Agent{Origin: a.Origin}, "http://127.0.0.1:1/", "a-1"))
	r.has(a, "a-1")
	a.Trouble(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	r.until("the end of the attempts", func() bool {
		r.Set(discovery.Plan{}) // no need to wait for the next one
		return r.logged("deregister it by hand") == 1
	})
	if n := r.logged("registration failed"); n != 1 {
		t.Errorf("%d warnings", n)
	}
}

// TestAgentLies: an answer about something else is no proof that the service is
// known.
func TestAgentLies(t *testing.T) {
	for _, answer := range []string{"", "garbage", "{}", `{"ID": "other"}`, `{"ID": 1}`, "[]", strings.Repeat("[", 10000)} {
		a, r := consultest.New(t), newRig(t)
		r.Set(plan(discovery.Agent{Origin: a.Origin}, "http://127.0.0.1:1/", "a-1"))
		r.has(a, "a-1")
		a.Trouble(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		r.until("a warning", func() bool { return r.logged("the answer is none of Consul's") == 1 })
	}
}

// TestCloseIsBounded: an agent that never answers holds nobody up, neither in the
// middle of a registration nor at the end.
func TestCloseIsBounded(t *testing.T) {
	asked := make(chan struct{}, 100)
	hang := make(chan struct{})
	a, r := consultest.New(t), newRig(t)
	t.Cleanup(func() { close(hang) })
	a.Trouble(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	r.Set(plan(discovery.Agent{Origin: a.Origin}, "http://127.0.0.1:1/", "a-1", "b-1", "c-1"))
	<-asked
	closed := make(chan struct{})
	go func() {
		r.close(100 * time.Millisecond)
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close waits for the agent")
	}
	if r.logged("not deregistered") == 0 {
		t.Error("the log does not say that a service may be left behind")
	}
}

// TestNoServices: a plan that cannot be made takes nothing away.
func TestNoServices(t *testing.T) {
	a, r := consultest.New(t), newRig(t)
	p := plan(discovery.Agent{Origin: a.Origin}, "http://127.0.0.1:1/", "a-1")
	r.Set(p)
	r.has(a, "a-1")
	p.Services = func(context.Context) ([]discovery.Service, error) { return nil, errors.New("no way there") }
	r.Set(p)
	r.until("the warning", func() bool { return r.logged("no way there") == 1 })
	r.has(a, "a-1")
}
