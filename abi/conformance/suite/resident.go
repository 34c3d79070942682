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
	time.Sleep(settled)
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

// settled is when a host has given back what loading took, several times what it
// waits with that. Before, what is given back hides what instances take.
const settled = time.Second

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

// resident returns the proportional set size of the process without what is mapped
// from files, and how many instances of a plugin have been created. Pages of the
// program and of machine code come and go with what runs, and are no instance's.
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
	found := 0
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && (f[0] == "Pss_Anon:" || f[0] == "Pss_Shmem:") {
			n, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				return 0, 0, fmt.Errorf("/proc/self/smaps_rollup: %w", err)
			}
			bytes += n * 1024
			found++
		}
	}
	if found != 2 {
		return 0, 0, errors.New("/proc/self/smaps_rollup has no Pss_Anon and Pss_Shmem; Linux 5.4 or later has")
	}
	return bytes, created, nil
}
