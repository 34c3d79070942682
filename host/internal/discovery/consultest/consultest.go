// Package consultest plays an agent of Consul for tests: of its HTTP API what
// registration needs, with the answers that the real one gives (1.14), and it really
// performs the checks.
//
// What it leaves out: a service that stays critical is not dropped.
package consultest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Service is what a client has registered.
type Service struct {
	ID, Name, Address string
	Port              int
	Tags              []string
	Check             Check
}

// Check is how the agent looks at a service.
type Check struct {
	Name, HTTP, Method             string
	Interval, Timeout              string
	DeregisterCriticalServiceAfter string
	TLSSkipVerify                  bool
}

// Agent is an agent at work. Its methods are safe for concurrent use.
type Agent struct {
	Origin string

	t      testing.TB
	server *httptest.Server
	over   context.Context // ends with the test

	mu       sync.Mutex
	token    string
	trouble  http.HandlerFunc
	requests []string
	services map[string]*entry
}

type entry struct {
	Service
	status string // of the check
	stop   context.CancelFunc
}

// New starts an agent that ends with the test.
func New(t testing.TB) *Agent {
	t.Helper()
	a := &Agent{t: t, services: map[string]*entry{}}
	ctx, cancel := context.WithCancel(context.Background())
	a.over = ctx
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	a.Origin = a.server.URL
	t.Cleanup(func() {
		a.Forget()
		cancel()
		a.server.CloseClientConnections()
		a.server.Close()
	})
	return a
}

// Stop ends the agent, as a crash does, and Start brings it back at the same
// address, with nothing registered.
func (a *Agent) Stop() {
	a.Forget()
	a.server.CloseClientConnections()
	a.server.Close()
}

// Start is the other half of Stop.
func (a *Agent) Start() {
	a.t.Helper()
	l, err := net.Listen("tcp", strings.TrimPrefix(a.Origin, "http://"))
	if err != nil {
		a.t.Fatal(err)
	}
	a.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(a.serve)}}
	a.server.Start()
}

// Forget drops all services.
func (a *Agent) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.services {
		e.stop()
	}
	clear(a.services)
}

// Require has requests need a token.
func (a *Agent) Require(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = token
}

// Trouble has another handler answer all requests; nil ends that.
func (a *Agent) Trouble(handler http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble = handler
}

// Service returns a registered service and the status of its check: "passing",
// "warning" or "critical".
func (a *Agent) Service(id string) (s Service, status string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.services[id]
	if e == nil {
		return Service{}, "", false
	}
	return e.Service, e.status, true
}

// Services returns how many services are registered.
func (a *Agent) Services() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.services)
}

// Requests returns the requests so far, "PUT /v1/agent/…", without queries.
func (a *Agent) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.requests...)
}

func (a *Agent) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.requests = append(a.requests, r.Method+" "+r.URL.Path)
	token, trouble := a.token, a.trouble
	a.mu.Unlock()
	if trouble != nil {
		trouble(w, r)
		return
	}
	if token != "" && r.Header.Get("X-Consul-Token") != token {
		http.Error(w, "Permission denied: token with AccessorID '00000000-0000-0000-0000-000000000002' lacks permission 'service:write'", http.StatusForbidden)
		return
	}
	need := func(method string) bool {
		if r.Method != method {
			w.Header().Set("Allow", method)
			http.Error(w, "method "+r.Method+" not allowed", http.StatusMethodNotAllowed)
		}
		return r.Method == method
	}
	switch path := r.URL.Path; {
	case path == "/v1/agent/service/register":
		if need("PUT") {
			a.register(w, r)
		}
	case strings.HasPrefix(path, "/v1/agent/service/deregister/"):
		if need("PUT") {
			a.deregister(w, strings.TrimPrefix(path, "/v1/agent/service/deregister/"))
		}
	case strings.HasPrefix(path, "/v1/agent/service/"):
		if need("GET") {
			a.show(w, strings.TrimPrefix(path, "/v1/agent/service/"))
		}
	default:
		http.NotFound(w, r)
	}
}

func (a *Agent) register(w http.ResponseWriter, r *http.Request) {
	var s Service
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		http.Error(w, "Request decode failed: "+err.Error(), http.StatusBadRequest)
		return
	}
	interval, err := time.ParseDuration(s.Check.Interval)
	timeout, err2 := time.ParseDuration(s.Check.Timeout)
	after, err3 := time.ParseDuration(s.Check.DeregisterCriticalServiceAfter)
	switch {
	case s.Name == "":
		http.Error(w, "Missing service name", http.StatusBadRequest)
		return
	case s.Check.HTTP == "" || err != nil || err2 != nil || err3 != nil || interval <= 0 || after < time.Minute:
		http.Error(w, "Invalid check: an HTTP check needs an interval, and is dropped after a minute at the earliest", http.StatusBadRequest)
		return
	}
	if s.ID == "" {
		s.ID = s.Name
	}
	ctx, cancel := context.WithCancel(a.over)
	e := &entry{Service: s, status: "critical", stop: cancel}
	a.mu.Lock()
	if old := a.services[s.ID]; old != nil {
		old.stop()
	}
	a.services[s.ID] = e
	a.mu.Unlock()
	go a.watch(ctx, e, interval, timeout)
}

// watch performs the check of a service until ctx ends.
func (a *Agent) watch(ctx context.Context, e *entry, interval, timeout time.Duration) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: e.Check.TLSSkipVerify}, DisableKeepAlives: true}
	client := &http.Client{Timeout: timeout, Transport: transport}
	for wait := interval / 20; ; wait = interval { // the first comes at some moment of the interval
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		status := "critical"
		req, err := http.NewRequestWithContext(ctx, e.Check.Method, e.Check.HTTP, nil)
		if err == nil {
			req.Header.Set("User-Agent", "Consul Health Check")
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
				switch {
				case resp.StatusCode/100 == 2:
					status = "passing"
				case resp.StatusCode == http.StatusTooManyRequests:
					status = "warning"
				}
			}
		}
		a.mu.Lock()
		e.status = status
		a.mu.Unlock()
	}
}

func (a *Agent) deregister(w http.ResponseWriter, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.services[id]
	if e == nil {
		http.Error(w, fmt.Sprintf("Unknown service ID %q. Ensure that the service ID is passed, not the service name.", id), http.StatusNotFound)
		return
	}
	e.stop()
	delete(a.services, id)
}

func (a *Agent) show(w http.ResponseWriter, id string) {
	s, _, ok := a.Service(id)
	if !ok {
		http.Error(w, "unknown service ID: "+id, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"ID": s.ID, "Service": s.Name, "Tags": append([]string{}, s.Tags...), "Meta": map[string]string{},
		"Port": s.Port, "Address": s.Address, "ContentHash": "0000000000000000", "Datacenter": "dc1",
	})
}
