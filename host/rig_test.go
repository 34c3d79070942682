package host

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// patience bounds every wait of these tests. Only a test that fails waits so
// long.
const patience = 60 * time.Second

// rig is a host that serves on the loopback interface, and a client.
type rig struct {
	*Host
	t      testing.TB
	dir    string
	file   string // host.toml
	addr   string
	logs   *logLines
	client *http.Client

	cancel context.CancelFunc
	done   chan error // what Run returned
	wild   bool       // the test ends with requests inside
}

// start opens a host, runs it, and ends it with the test.
func start(t testing.TB, s setup) *rig {
	t.Helper()
	r := prepare(t, s)
	r.open()
	r.run()
	return r
}

// prepare writes the files of a host and opens nothing.
func prepare(t testing.TB, s setup) *rig {
	t.Helper()
	dir := t.TempDir()
	return &rig{t: t, dir: dir, file: s.write(t, dir), logs: new(logLines), client: &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{DisableCompression: true},
	}}
}

// open opens the host and closes it with the test. By then nothing may be left
// of any request.
func (r *rig) open() {
	r.t.Helper()
	h, err := Open(r.file, Options{Log: r.logs, Version: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Host = h
	r.t.Cleanup(func() {
		r.idle()
		if err := h.Close(); err != nil && err != ErrClosed {
			r.t.Errorf("Close: %v", err)
		}
	})
}

// run serves until the end of the test, or until stop.
func (r *rig) run() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	listening := make(chan string, 1)
	go func() { r.done <- r.Run(ctx, func(addr string) { listening <- addr }) }()
	select {
	case r.addr = <-listening:
	case err := <-r.done:
		r.t.Fatalf("Run: %v", err)
	}
	r.t.Cleanup(func() {
		if err := r.stop(); err != nil && !r.wild {
			r.t.Errorf("Run: %v", err)
		}
	})
}

// in is the rig for a subtest.
func (r *rig) in(t testing.TB) *rig {
	sub := *r
	sub.t = t
	return &sub
}

// stop ends Run as a signal does, and returns what it returned.
func (r *rig) stop() error {
	r.client.CloseIdleConnections()
	r.cancel()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(patience):
		return fmt.Errorf("it did not return within %v", patience)
	}
}

// idle waits until nothing is left of any request.
func (r *rig) idle() {
	r.t.Helper()
	r.until("an idle host", func() bool {
		for _, p := range r.Plugins() {
			if p.Instances.InUse != 0 || p.Instances.Waiting != 0 {
				return false
			}
		}
		return r.inFlight.Load() == 0 && r.budget.Used() == 0
	})
}

// until waits for something to become true.
func (r *rig) until(what string, done func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited for %s in vain; the log:\n%s", what, r.logs.tail())
		}
	}
}

// undisturbed tries again what can also fail when this machine stands still at the
// wrong moment, so that a time of milliseconds is over before anything was done.
func undisturbed(t testing.TB, try func() error) {
	t.Helper()
	var err error
	for range 10 {
		if err = try(); err == nil {
			return
		}
	}
	t.Error(err)
}

// pool returns the state of a plugin's instances.
func (r *rig) pool(plugin string) Pool {
	r.t.Helper()
	return r.plugin(plugin).Instances
}

func (r *rig) plugin(name string) PluginStatus {
	r.t.Helper()
	for _, p := range r.Plugins() {
		if p.Name == name {
			return p
		}
	}
	r.t.Fatalf("no plugin %s", name)
	return PluginStatus{}
}

// inside waits until that many requests hold an instance of a plugin.
func (r *rig) inside(plugin string, n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d instances of %s in use", n, plugin), func() bool { return r.pool(plugin).InUse == n })
}

// set stores a key, for guest.until.
func (r *rig) set(keyspace, key string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.store.Keyspace(keyspace).Set(context.Background(), []byte(key), []byte("1")); err != nil {
		r.t.Fatal(err)
	}
}

// has reports whether a key is stored.
func (r *rig) has(keyspace, key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.store.Keyspace(keyspace).Get(context.Background(), nil, []byte(key))
	return err == nil
}

// mount serves the host's handler from a plain server of the HTTP library, as a
// program does that embeds it. Nothing watches the files.
func (r *rig) mount(server *fasthttp.Server) {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.addr = l.Addr().String()
	server.Handler = r.Handler()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	r.t.Cleanup(func() {
		r.client.CloseIdleConnections()
		_ = l.Close() // open connections have ended with their clients
		if err := <-served; err != nil {
			r.t.Error(err)
		}
	})
}

// embed opens a host and mounts it.
func embed(t testing.TB, s setup) *rig {
	t.Helper()
	r := prepare(t, s)
	r.open()
	r.mount(&fasthttp.Server{StreamRequestBody: true})
	return r
}

// reload reloads, which must succeed.
func (r *rig) reload() {
	r.t.Helper()
	if err := r.Reload(); err != nil {
		r.t.Fatal(err)
	}
}
