//go:build !race && linux

package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// cluster is what docs/several-hosts.md describes, at work.
type cluster struct {
	t            *testing.T
	client       *machine
	redis        *store
	user1, user2 *host
	order        *host
	user         string // the id of the user who orders
}

// host is a machine with a wasmlane.
type host struct {
	*machine
	t   *testing.T
	dir string
	env []string
	*process
}

// store is a machine with a Redis.
type store struct {
	*machine
	dir string
	*process
}

// begin starts Redis and the hosts, and makes a user. Edits are texts of order.toml
// and what stands in their place.
func begin(t *testing.T, edits ...string) *cluster {
	t.Helper()
	return beginOn(t, newNetwork(t), edits...)
}

func beginOn(t *testing.T, n *network, edits ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, client: n.machine("client", "10.0.0.99"), redis: newStore(n)}
	c.user1 = newHost(n, "user-1", "10.0.0.11", "plugins/user", testdata(t, "user.toml"))
	c.user2 = newHost(n, "user-2", "10.0.0.12", "plugins/user", testdata(t, "user.toml"))
	c.order = newHost(n, "order", "10.0.0.21", "plugins/order", edited(t, testdata(t, "order.toml"), edits...))
	c.order.resolver("10.0.0.53")
	for _, h := range []*host{c.user1, c.user2, c.order} {
		h.run()
		h.ready(200)
	}
	status, body := c.ask(c.user1.machine, "POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(body), &made); status != 201 || err != nil {
		t.Fatalf("making a user: %d %s", status, body)
	}
	c.user = made.ID
	return c
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	return readFile(t, filepath.Join("testdata", name))
}

// edited replaces texts, given in pairs, each of which must be there.
func edited(t *testing.T, text string, edits ...string) string {
	t.Helper()
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("there is no %s to replace in:\n%s", edits[i], text)
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return text
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newHost makes a host that runs the plugin of a directory of the repository.
func newHost(n *network, name, addr, runs, config string) *host {
	t := n.t
	t.Helper()
	h := &host{machine: n.machine(name, addr), t: t, dir: newDir(t)}
	write(t, filepath.Join(h.dir, "host.toml"), config)
	cache := built(t, "cache", func(path string) error { return os.Mkdir(path, 0o700) })
	for _, dir := range []string{"plugins", ".wasmlane"} {
		if err := os.Mkdir(filepath.Join(h.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{".wasmlane/cache": cache, "plugins/" + path.Base(runs) + ".wasm": plugin(t, runs)} {
		if err := os.Symlink(to, filepath.Join(h.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// run starts the host, and returns when it listens.
func (h *host) run() {
	h.t.Helper()
	h.process = h.start(h.dir, h.env, program(h.t), "run")
	h.says(" on http://")
}

// newStore makes the machine with Redis, and starts it.
func newStore(n *network) *store {
	n.t.Helper()
	need(n.t, "redis-server", "redis-server")
	s := &store{machine: n.machine("redis", "10.0.0.31"), dir: newDir(n.t)}
	write(n.t, filepath.Join(s.dir, "redis.conf"), testdata(n.t, "redis.conf"))
	s.run()
	return s
}

// run starts Redis on the data that it has.
func (s *store) run() {
	s.network.t.Helper()
	s.process = s.start(s.dir, nil, "redis-server", filepath.Join(s.dir, "redis.conf"))
	s.says("Ready to accept connections")
}

// ready waits until the host's readiness is what it should be: 200 or 503.
func (h *host) ready(status int) (body string) {
	h.t.Helper()
	wait(h.t, fmt.Sprintf("/readyz of %s to answer %d", h.name, status), func() bool {
		got, text, err := h.operate("GET", "/readyz")
		body = text
		return err == nil && got == status
	})
	return body
}

// operate asks the admin listener, from the host's own machine.
func (h *host) operate(method, path string) (status int, body string, err error) {
	return request(h.machine, "127.0.0.1:9001", method, path, "")
}

// metric adds up the values of a metric's series whose text has the given parts.
func (h *host) metric(name string, parts ...string) (sum float64) {
	h.t.Helper()
	status, text, err := h.operate("GET", "/metrics")
	if err != nil || status != 200 {
		h.t.Fatalf("the metrics of %s: %d %v", h.name, status, err)
	}
series:
	for line := range strings.Lines(text) {
		at := strings.LastIndexByte(line, ' ')
		if !strings.HasPrefix(line, name) || at < 0 {
			continue
		}
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue series
			}
		}
		var value float64
		if _, err := fmt.Sscan(line[at+1:], &value); err == nil {
			sum += value
		}
	}
	return sum
}

// served returns how many requests for a user the host has answered.
func (h *host) served() float64 {
	h.t.Helper()
	return h.metric("wasmlane_requests_total{", `route="/users/{id}"`)
}

// asked waits until the host answers requests for a user.
func (h *host) asked() {
	h.t.Helper()
	before := h.served()
	wait(h.t, h.name+" to be asked for users", func() bool { return h.served() > before })
}

// ask sends a request from the client's machine to the listener of another.
func (c *cluster) ask(to *machine, method, path, body string) (status int, answer string) {
	c.t.Helper()
	status, answer, err := request(c.client, to.addr+":8001", method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s of %s: %v", method, path, to.name, err)
	}
	return status, answer
}

// request sends one over a connection of its own.
func request(from *machine, addr, method, path, body string) (status int, answer string, err error) {
	req, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	return send(from, req)
}

func send(from *machine, req *http.Request) (status int, answer string, err error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, addr string) (net.Conn, error) { return from.dial(ctx, addr) },
	}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// quiet is how long a phase lasts in which nothing happens but load.
func quiet() { time.Sleep(*duration) }
