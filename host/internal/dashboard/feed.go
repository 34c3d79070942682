// Package dashboard shows a host to its operator: one page, and the stream of
// events that it draws. It knows nothing of hosts; what the events say comes from
// functions that it is given. docs/operations.md describes both.
package dashboard

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"
)

// MaxViewers is how many may follow the events at a time.
const MaxViewers = 16

// every is how often a sample is taken.
const every = time.Second

// Options is what a feed shows. No field may be nil.
type Options struct {
	// Sample tells of the time since it was last called. It is called once a
	// second, whether anybody looks or not: ten minutes are there at once for who
	// comes after something has gone wrong.
	Sample func() Sample
	// Documents are shown beside the samples. They are made every two seconds while
	// somebody looks, and sent when they have changed.
	Documents []Document
}

// Document is one kind of event, a JSON document that replaces the one before.
type Document struct {
	Name string
	Make func() any
}

// Feed collects what viewers are sent. Its methods are safe for concurrent use.
type Feed struct {
	options Options
	done    chan struct{} // closed by Close

	mu        sync.Mutex
	closed    bool
	ring      ring
	viewers   int
	documents []version
	made      int           // ring.count when the documents were last made; -1: never
	tick      chan struct{} // closed when there is news, and replaced
}

// version is the last state of a document.
type version struct {
	body   []byte // never changed, only replaced
	number int    // counts its changes, from 1
}

// New returns a feed that stands still until Run.
func New(o Options) *Feed {
	return &Feed{
		options:   o,
		done:      make(chan struct{}),
		documents: make([]version, len(o.Documents)),
		made:      -1,
		tick:      make(chan struct{}),
	}
}

// Run takes a sample every second until Close.
func (f *Feed) Run() {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.step()
		case <-f.done:
			return
		}
	}
}

// Close ends Run and all streams. It does not wait for either.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.done)
	}
}

// Viewers returns how many follow the events now.
func (f *Feed) Viewers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.viewers
}

// step takes a sample, makes the documents when they are due, and wakes the
// viewers.
func (f *Feed) step() {
	s := f.options.Sample()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring.add(s)
	if f.viewers > 0 && f.ring.count-f.made >= 2 {
		f.make()
	}
	close(f.tick)
	f.tick = make(chan struct{})
}

// make makes all documents. f.mu is held: one at a time is enough.
func (f *Feed) make() {
	f.made = f.ring.count
	for i, d := range f.options.Documents {
		body, err := json.Marshal(d.Make())
		if err != nil || bytes.Equal(body, f.documents[i].body) {
			continue // no document of a host fails; a viewer would keep the one before
		}
		f.documents[i] = version{body, f.documents[i].number + 1}
	}
}

// enter counts a viewer and sees to it that there is something to show. It
// reports whether there is room.
func (f *Feed) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.viewers >= MaxViewers {
		return false
	}
	f.viewers++
	if f.made < 0 || f.ring.count-f.made >= 2 {
		f.make()
	}
	return true
}

func (f *Feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.viewers--
}

// seen is what one viewer has been sent.
type seen struct {
	samples   int // of those there ever were
	documents []int
}

// news appends what a viewer has not seen, as server-sent events, and returns the
// channel that is closed when there is more.
func (f *Feed) news(b []byte, s *seen) ([]byte, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.documents == nil {
		s.documents = make([]int, len(f.documents))
		b = append(b, "event: fields\ndata: "+fields+"\n\n"...)
	}
	for i, d := range f.documents {
		if s.documents[i] == d.number {
			continue
		}
		s.documents[i] = d.number
		b = append(b, "event: "+f.options.Documents[i].Name+"\ndata: "...)
		b = append(b, d.body...)
		b = append(b, "\n\n"...)
	}
	if s.samples < f.ring.count {
		b = append(b, "event: samples\ndata: ["...)
		b = f.ring.after(b, s.samples)
		b = append(b, "]\n\n"...)
		s.samples = f.ring.count
	}
	return b, f.tick
}
