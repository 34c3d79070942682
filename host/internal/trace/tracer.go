package trace

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxQueue   = 4096             // spans that wait; more are dropped
	maxBatch   = 512              // spans of one message
	sendEvery  = time.Second      // how long a span may wait for others
	sendWithin = 10 * time.Second // how long the collector may take
	warnEvery  = time.Minute
)

// Options says where spans go.
type Options struct {
	Service string  // service.name of the resource
	Version string  // service.version
	Ratio   float64 // of the traces that begin here, how many are recorded

	// Send delivers one message. It is called by one goroutine.
	Send     func(ctx context.Context, message []byte) error
	Log      *slog.Logger
	Counters *Counters
}

// Counters count spans, over all tracers that a host has had.
type Counters struct{ Sent, Dropped atomic.Uint64 }

// Tracer collects spans and sends them, many at once. Nothing ever waits for it:
// what the collector does not take in time is dropped, and counted. Its methods
// are safe for concurrent use.
type Tracer struct {
	options Options
	below   uint64 // Sample, of 56 bits

	mu     sync.Mutex
	queue  []Span
	closed bool

	wake   chan struct{} // a span has come, or Close; never blocks
	done   chan struct{} // closed when all is sent
	cancel context.CancelFunc
	warned time.Time
}

// New returns a tracer at work. Close it.
func New(o Options) *Tracer {
	t := &Tracer{
		options: o,
		below:   uint64(math.Round(min(max(o.Ratio, 0), 1) * (1 << 56))),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	go t.run(ctx)
	return t
}

// Sample decides whether a trace that begins here is recorded. Other hosts with
// the same ratio decide alike.
func (t *Tracer) Sample(id ID) bool {
	return binary.BigEndian.Uint64(id[8:])&(1<<56-1) < t.below
}

// Record takes a span that has ended.
func (t *Tracer) Record(s Span) {
	t.mu.Lock()
	full := t.closed || len(t.queue) >= maxQueue
	if !full {
		t.queue = append(t.queue, s)
	}
	first := len(t.queue) == 1 || len(t.queue) == maxBatch
	t.mu.Unlock()
	switch {
	case full:
		t.options.Counters.Dropped.Add(1)
	case first:
		t.poke()
	}
}

func (t *Tracer) poke() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Close sends what waits, until ctx ends. Spans that come later are dropped.
func (t *Tracer) Close(ctx context.Context) {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.poke()
	select {
	case <-t.done:
	case <-ctx.Done():
		t.cancel()
		<-t.done
	}
	t.cancel()
}

// run sends batches until the tracer is closed and nothing waits.
func (t *Tracer) run(ctx context.Context) {
	defer close(t.done)
	for {
		t.gather()
		batch, closed := t.take()
		if len(batch) > 0 {
			t.send(ctx, batch)
		} else if closed {
			return
		}
	}
}

// waiting returns how many spans wait.
func (t *Tracer) waiting() (n int, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue), t.closed
}

// gather waits for a span, and then for a moment, or until a batch is full.
func (t *Tracer) gather() {
	for n, closed := t.waiting(); n == 0 && !closed; n, closed = t.waiting() {
		<-t.wake
	}
	timer := time.NewTimer(sendEvery)
	defer timer.Stop()
	for {
		if n, closed := t.waiting(); closed || n >= maxBatch {
			return
		}
		select {
		case <-t.wake:
		case <-timer.C:
			return
		}
	}
}

func (t *Tracer) take() (batch []Span, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(len(t.queue), maxBatch)
	batch = append(batch, t.queue[:n]...)
	rest := copy(t.queue, t.queue[n:])
	clear(t.queue[rest:]) // they hold texts
	t.queue = t.queue[:rest]
	return batch, t.closed
}

func (t *Tracer) send(ctx context.Context, batch []Span) {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	message, err := t.options.encode(batch)
	if err == nil {
		err = t.options.Send(ctx, message)
	}
	if err == nil {
		t.options.Counters.Sent.Add(uint64(len(batch)))
		return
	}
	t.options.Counters.Dropped.Add(uint64(len(batch)))
	if time.Since(t.warned) >= warnEvery {
		t.warned = time.Now()
		t.options.Log.Warn("spans were dropped: the collector did not take them", slog.Int("spans", len(batch)), slog.Any("error", err))
	}
}
