// Package logs writes the host's log. What happened to the host is written at
// once. The access log has a line for each request, so its lines gather for a
// moment and go out together: a request does not pay for a system call, nor wait
// for whoever reads the log. The last lines are kept for the operator, see [Recent].
package logs

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// gather is for how long a buffered line may wait for others.
	gather = 5 * time.Millisecond
	// most is how many bytes may wait. When whoever reads the log is slower than
	// that, lines of the access log are lost, and counted.
	most = 1 << 20
)

// Sink is where all lines of a host go, in order. Its methods are safe for
// concurrent use.
type Sink struct {
	writing sync.Mutex // held while w is written to, and before mu
	w       io.Writer
	spare   []byte // the buffer that is written; guarded by writing

	mu      sync.Mutex
	waiting []byte
	lost    int // lines since the last flush
	json    bool
	timer   *time.Timer
	set     bool // the timer runs
}

// NewSink returns a sink that writes to w, one call of Write for one or more
// whole lines, and never two calls at a time.
func NewSink(w io.Writer) *Sink {
	s := &Sink{w: w}
	s.timer = time.AfterFunc(time.Hour, func() { _ = s.Flush() })
	s.timer.Stop()
	return s
}

// Write writes a line now, after those that wait. It implements io.Writer.
func (s *Sink) Write(line []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.take()
	s.spare = append(s.spare, line...)
	if err := s.write(); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Flush writes the lines that wait. The error is that of the writer.
func (s *Sink) Flush() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.take()
	return s.write()
}

// take moves what waits to spare. s.writing is held.
func (s *Sink) take() {
	s.mu.Lock()
	s.spare, s.waiting = s.waiting, s.spare[:0]
	lost, json := s.lost, s.json
	s.lost = 0
	if s.set {
		s.timer.Stop()
		s.set = false
	}
	s.mu.Unlock()
	if lost > 0 {
		s.spare = append(s.spare, lostLine(lost, json)...)
	}
}

// SetJSON says whether lines of the sink's own are in JSON, or text.
func (s *Sink) SetJSON(json bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.json = json
}

// lostLine says how many lines were lost.
func lostLine(n int, json bool) []byte {
	var b bytes.Buffer
	var h slog.Handler = slog.NewTextHandler(&b, nil)
	if json {
		h = slog.NewJSONHandler(&b, nil)
	}
	log := slog.New(h)
	log.Warn("lines of the access log were lost: the log was not taken fast enough", slog.Int("lines", n))
	return b.Bytes()
}

// write writes spare. s.writing is held.
func (s *Sink) write() error {
	if len(s.spare) == 0 {
		return nil
	}
	_, err := s.w.Write(s.spare)
	return err
}

// buffer appends a line that may wait. It never waits for the writer.
func (s *Sink) buffer(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting)+len(line) > most {
		s.lost++
		return
	}
	s.waiting = append(s.waiting, line...)
	if !s.set {
		s.set = true
		s.timer.Reset(gather)
	}
}

// Buffered is the sink for lines that may wait. It implements io.Writer.
type Buffered struct{ *Sink }

// Write takes a line. It never fails and never waits.
func (b Buffered) Write(line []byte) (int, error) {
	b.buffer(line)
	return len(line), nil
}
