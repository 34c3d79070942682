package host

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// settleAfter is how long after a load, or after the end of a generation, memory
	// is given back: first requests come right after a start.
	settleAfter = 200 * time.Millisecond
	// ebbAfter is the same after the end of many connections: only then has the library
	// let go of their goroutines, which it keeps for 10 to 20 seconds. Where connections
	// come and go all the time it also bounds what giving back costs.
	ebbAfter = 25 * time.Second
)

// settling gives memory back to the system some time after it was asked to, off
// the request path. Compiling and dropping a module leave megabytes that only
// finalizers free, and a quiet host would keep them for hours.
type settling struct {
	trim func() // before the program's own pages are dropped

	mu     sync.Mutex
	due    map[time.Duration]*time.Timer // by how long it waits; those that have not begun
	closed bool
	alive  sync.WaitGroup
}

// soon gives memory back before long, once for all who ask meanwhile.
func (s *settling) soon() { s.after(settleAfter, s.now) }

// later gives memory back when the connections of a peak have ended. Their buffers are
// in pools, which the garbage collector empties in two turns, and a host that has got
// quiet has none for minutes.
func (s *settling) later() {
	s.after(ebbAfter, func() {
		runtime.GC()
		s.now()
	})
}

func (s *settling) after(wait time.Duration, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		go debug.FreeOSMemory()
	case s.due[wait] == nil:
		if s.due == nil {
			s.due = map[time.Duration]*time.Timer{}
		}
		s.alive.Add(1)
		s.due[wait] = time.AfterFunc(wait, func() {
			defer s.alive.Done()
			s.mu.Lock()
			delete(s.due, wait)
			s.mu.Unlock()
			do()
		})
	}
}

func (s *settling) now() {
	debug.FreeOSMemory()
	s.trim()
	forgetProgram()
}

// close waits for what has begun; what is due is left undone.
func (s *settling) close() {
	s.mu.Lock()
	s.closed = true
	for wait, timer := range s.due {
		if timer.Stop() {
			delete(s.due, wait)
			s.alive.Done()
		}
	}
	s.mu.Unlock()
	s.alive.Wait()
}
