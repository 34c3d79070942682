package logs

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// tellEvery is how long lines are dropped before the log says how many.
const tellEvery = 5 * time.Second

// maxGuests is from how many plugins on those that have nothing to tell are
// forgotten: plugins come and go with reloads.
const maxGuests = 1000

// Guests bounds how many lines plugins log: each has a bucket of tokens, one for a
// line. What is over it is dropped, and how much that was is said in a line of the
// host's own. Its methods are safe for concurrent use.
type Guests struct {
	log  *slog.Logger
	rate atomic.Pointer[guestRate]

	mu      sync.Mutex
	plugins map[string]*Guest
}

type guestRate struct {
	every time.Duration // between two lines; 0: no limit
	burst int64
}

// NewGuests returns one without a limit. log takes what it has to say.
func NewGuests(log *slog.Logger) *Guests {
	g := &Guests{log: log, plugins: map[string]*Guest{}}
	g.SetRate(0, 0)
	return g
}

// SetRate changes the limit of every plugin: a line each every, and burst at once.
// With 0 there is none.
func (g *Guests) SetRate(every time.Duration, burst int) {
	g.rate.Store(&guestRate{every, int64(burst)})
}

// Guest is the bucket of one plugin.
type Guest struct {
	owner  *Guests
	plugin string

	mu      sync.Mutex
	fullAt  time.Time // when the bucket will be full
	dropped int       // lines, not told yet
	since   time.Time // of the first of them
	timer   *time.Timer
}

// Of returns the bucket of a plugin, always the same.
func (g *Guests) Of(plugin string) *Guest {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.plugins[plugin]
	if b == nil {
		if len(g.plugins) >= maxGuests {
			g.forget()
		}
		b = &Guest{owner: g, plugin: plugin}
		g.plugins[plugin] = b
	}
	return b
}

// forget drops the buckets that have nothing to tell. g.mu is held.
func (g *Guests) forget() {
	for name, b := range g.plugins {
		b.mu.Lock()
		if b.dropped == 0 {
			delete(g.plugins, name)
		}
		b.mu.Unlock()
	}
}

// Allow reports whether the plugin may log a line now, and counts it if not.
func (b *Guest) Allow() bool {
	rate := b.owner.rate.Load()
	if rate.every == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.fullAt.Before(now) {
		b.fullAt = now
	}
	if b.fullAt.Sub(now) <= rate.every*time.Duration(rate.burst-1) {
		b.fullAt = b.fullAt.Add(rate.every)
		return true
	}
	if most := now.Add(rate.every * time.Duration(rate.burst)); b.fullAt.After(most) {
		b.fullAt = most // the rate was lower before
	}
	if b.dropped++; b.dropped == 1 {
		b.since = now
		b.timer = time.AfterFunc(tellEvery, b.tell)
	}
	return false
}

// tell says how many lines were dropped.
func (b *Guest) tell() {
	b.mu.Lock()
	n, since := b.dropped, b.since
	b.dropped = 0
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	b.mu.Unlock()
	if n > 0 {
		b.owner.log.Warn("lines of a plugin were dropped: it logs more than log.guest_rate",
			slog.String("plugin", b.plugin), slog.Int("lines", n), slog.Duration("within", time.Since(since).Round(time.Millisecond)))
	}
}

// Tell says what has not been told yet. It is called before the log ends.
func (g *Guests) Tell() {
	g.mu.Lock()
	all := make([]*Guest, 0, len(g.plugins))
	for _, b := range g.plugins {
		all = append(all, b)
	}
	g.mu.Unlock()
	for _, b := range all {
		b.tell()
	}
}
