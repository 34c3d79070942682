package logs

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGuestsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memory{}
		g := NewGuests(slog.New(slog.NewTextHandler(w, nil)))
		defer g.Tell()
		b := g.Of("loud")
		for range 10_000 {
			if !b.Allow() {
				t.Fatal("refused without a limit")
			}
		}
		g.SetRate(100*time.Millisecond, 10)
		say := func(b *Guest, n int) (allowed int) {
			for range n {
				if b.Allow() {
					allowed++
				}
			}
			return allowed
		}
		if n := say(b, 1000); n != 10 {
			t.Errorf("%d of a thousand lines at once, want 10", n)
		}
		if n := say(g.Of("quiet"), 5); n != 5 {
			t.Errorf("another plugin got %d of 5", n)
		}
		time.Sleep(time.Second)
		if n := say(b, 1000); n != 10 {
			t.Errorf("%d lines a second later, want 10", n)
		}
		if w.String() != "" {
			t.Errorf("told too early: %s", w)
		}
		time.Sleep(tellEvery)
		synctest.Wait()
		if !strings.Contains(w.String(), "plugin=loud lines=1980 within=5s") || strings.Count(w.String(), "\n") != 1 {
			t.Errorf("got %s", w)
		}
		say(b, 1000)
		g.Tell()
		g.Tell()
		if !strings.Contains(w.String(), "lines=990 within=0s") || strings.Count(w.String(), "\n") != 2 {
			t.Errorf("got %s", w)
		}
		// A lower rate before does not keep a plugin silent for long.
		g.SetRate(time.Hour, 10)
		time.Sleep(time.Second)
		say(b, 100)
		g.SetRate(time.Second, 1)
		say(b, 1)
		time.Sleep(2 * time.Second)
		if n := say(b, 10); n != 1 {
			t.Errorf("%d lines after the rate was raised, want 1", n)
		}
	})
}

func TestManyGuests(t *testing.T) {
	g := NewGuests(slog.New(slog.DiscardHandler))
	g.SetRate(time.Hour, 1)
	loud := g.Of("loud")
	loud.Allow()
	loud.Allow()
	for i := range 3 * maxGuests {
		g.Of(fmt.Sprint(i))
	}
	if n := len(g.plugins); n > maxGuests {
		t.Errorf("%d are kept", n)
	}
	if g.Of("loud") != loud {
		t.Error("one that has something to tell was forgotten")
	}
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if g.Of("x").Allow() {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if allowed.Load() != 1 {
		t.Errorf("%d lines, want 1", allowed.Load())
	}
	g.Tell()
}
