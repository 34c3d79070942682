//go:build !race && linux

package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// stills are the times in which this machine, or its disk, stood still. All hosts are
// on it, so a pause as long as try_timeout is to each of them as if the others had
// fallen silent. What fails because of that says nothing about them.
type stills struct {
	stop    chan struct{}
	watcher sync.WaitGroup

	mu   sync.Mutex
	list []still
}

type still struct{ from, to time.Time }

const (
	stillLeast = 200 * time.Millisecond // shorter ones do no harm: half of try_timeout
	stillAfter = 5 * time.Second        // how long hosts may then be left out that are well
)

// watchStills looks until the end of the test.
func watchStills(t *testing.T) *stills {
	t.Helper()
	f, err := os.Create(filepath.Join(newDir(t), "still"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stills{stop: make(chan struct{})}
	s.watcher.Go(func() {
		defer f.Close()
		for {
			from := time.Now()
			select {
			case <-s.stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if _, err := f.WriteAt([]byte("x"), 0); err != nil {
				t.Error(err)
				return
			}
			if err := f.Sync(); err != nil {
				t.Error(err)
				return
			}
			if to := time.Now(); to.Sub(from) > stillLeast {
				s.mu.Lock()
				s.list = append(s.list, still{from, to})
				s.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() { close(s.stop); s.watcher.Wait() })
	return s
}

// over reports whether the machine stood still while an order was made, or shortly
// before.
func (s *stills) over(o order) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, still := range s.list {
		if o.ended.After(still.from) && o.begun.Before(still.to.Add(stillAfter)) {
			return true
		}
	}
	return false
}

// String says how often and for how long, in a line; "" when it did not.
func (s *stills) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var longest time.Duration
	for _, still := range s.list {
		longest = max(longest, still.to.Sub(still.from))
	}
	if longest == 0 {
		return ""
	}
	return fmt.Sprintf("\nthis machine stood still %d times, for up to %v", len(s.list), longest.Round(time.Millisecond))
}
