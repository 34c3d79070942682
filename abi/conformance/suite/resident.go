package suite

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Resident measures what one idle instance of a plugin keeps in memory, in bytes:
// how much the process has more of with n of them than with one. Requests that are
// served at the same time make the host create instances, so ask must be one that
// waits for something: a write to the store is. Linux only.
func (s *Setup) Resident(plugin string, n int, ask *Request) (bytes float64, err error) {
	r, err := s.start(&Case{Keys: []string{
		fmt.Sprintf("plugin.%s.instances = %d", plugin, n),
		fmt.Sprintf("plugin.%s.queue = \"20s\"", plugin),
		`log.access = false`,
	}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	one := func(q *Request) error {
		_, _, err := r.ask(q, false)
		return err
	}
	// The first rounds, of requests that no plugin serves, are for what the host
	// itself keeps for so many clients at once.
	elsewhere := &Request{Method: "GET", Target: "/nowhere", Protocol: "HTTP/1.1"}
	for range 5 {
		if err := together(n, elsewhere, one); err != nil {
			return 0, err
		}
	}
	if err := one(ask); err != nil {
		return 0, err
	}
	before, created, err := r.resident(plugin)
	if err != nil || created != 1 {
		return 0, errors.Join(err, fmt.Errorf("%d instances after one request; want 1", created))
	}
	for end := time.Now().Add(patience); ; {
		if err := together(n, ask, one); err != nil {
			return 0, err
		}
		after, created, err := r.resident(plugin)
		if err != nil {
			return 0, err
		}
		if created == uint64(n) {
			return (after - before) / float64(n-1), nil
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("%d clients at once made %d instances only", n, created)
		}
	}
}

// together sends a request n times at once.
func together(n int, q *Request, ask func(*Request) error) error {
	var all sync.WaitGroup
	failed := make(chan error, n)
	for range n {
		all.Go(func() { failed <- ask(q) })
	}
	all.Wait()
	close(failed)
	var err error
	for e := range failed {
		err = errors.Join(err, e)
	}
	return err
}

// resident returns the proportional set size of the process, and how many
// instances of a plugin have been created.
func (r *running) resident(plugin string) (bytes float64, created uint64, err error) {
	for _, p := range r.host.Plugins() {
		if p.Name == plugin {
			created = p.Instances.Created
		}
	}
	// One collection runs finalizers and empties pools by half; what they held, of this
	// host and of those before it, goes with later ones.
	for range 3 {
		debug.FreeOSMemory()
		time.Sleep(20 * time.Millisecond)
	}
	b, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return 0, 0, fmt.Errorf("memory is measured on Linux only: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			n, err := strconv.ParseFloat(f[1], 64)
			return n * 1024, created, err
		}
	}
	return 0, 0, errors.New("there is no Pss in /proc/self/smaps_rollup")
}
