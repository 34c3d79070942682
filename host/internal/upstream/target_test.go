package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// TestEjection: failures in a row put a target out, one call at a time finds out
// whether it is back, and the log has a line for each.
func TestEjection(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	v := b.of("http://a", "http://b")
	a := find(t, v, "http://a")
	f.on("http://a", errRefused)
	for range 10 {
		do(v, "POST").succeeded(t, 200)
	}
	if got := strings.Count(f.took(), "http://a"); got != 3 {
		t.Errorf("%d calls went to a", got)
	}
	if got := state(v); got != "a=ejected b=healthy" {
		t.Error(got)
	}
	if f.closed["http://a"] == 0 {
		t.Error("its idle connections are still open")
	}
	if b.log.count("WARN", "target ejected", "service=user", "target=http://a", "no connection", "for=") != 1 {
		t.Errorf("the log: %s", b.log)
	}

	// Its time is over and it still fails: one call finds out, and is sent on.
	a.over()
	for range 10 {
		do(v, "POST").succeeded(t, 200)
	}
	if got := strings.Count(f.took(), "http://a"); got != 1 {
		t.Errorf("%d calls went to a", got)
	}

	// While that call is out, no other goes there.
	a.over()
	inside, release := make(chan struct{}), make(chan struct{})
	f.on("http://a", func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error {
		inside <- struct{}{}
		<-release
		return nil
	})
	first := make(chan result)
	go func() { first <- do(v, "GET") }()
	<-inside
	if got := state(v); got != "a=trying b=healthy" {
		t.Error(got)
	}
	for range 10 {
		if r := do(v, "GET"); r.target != "http://b" {
			t.Error(r)
		}
	}
	close(release)
	if r := <-first; r.target != "http://a" || r.err != nil {
		t.Error(r)
	}
	if got := state(v); got != "a=healthy b=healthy" {
		t.Error(got)
	}
	if b.log.count("INFO", "target is back", "service=user", "target=http://a") != 1 || b.log.count("target ejected") != 1 {
		t.Errorf("the log: %s", b.log)
	}
	if n := a.counts.Ejections.Load(); n != 2 {
		t.Errorf("%d ejections", n)
	}
}

// TestSuccessBetween: failures count in a row only.
func TestSuccessBetween(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).service(Settings{Targets: []string{"http://a"}})
	for range 10 {
		f.on("http://a", errBroken)
		do(v, "GET").failed(t, errBroken, "")
		do(v, "GET").failed(t, errBroken, "")
		f.on("http://a", 404)
		do(v, "GET").succeeded(t, 404)
	}
	if got := state(v); got != "a=healthy" {
		t.Error(got)
	}
}

// TestWhatCounts: what a target is ejected for.
func TestWhatCounts(t *testing.T) {
	for _, c := range []struct {
		answer  any
		ejected bool
	}{
		{errRefused, true}, {errBroken, true}, {502, true}, {503, true},
		{500, false}, {504, false}, {429, false}, {404, false}, {200, false},
		{call.ErrTooLarge, false}, {call.ErrRequest, false}, {context.Canceled, false},
		{context.DeadlineExceeded, false},                                    // at once: it had no time
		{fmt.Errorf("%w (%w)", errRefused, context.DeadlineExceeded), false}, // the same, to connect
	} {
		f := new(fake)
		v := newBench(t, f).service(Settings{Targets: []string{"http://a"}})
		f.on("http://a", c.answer)
		for range 5 {
			do(v, "GET")
		}
		if got := state(v) == "a=ejected"; got != c.ejected {
			t.Errorf("%v: %s", c.answer, state(v))
		}
	}
	f := new(fake)
	b := newBench(t, f)
	b.limits.fair = 0
	v := b.of("http://a")
	f.on("http://a", context.DeadlineExceeded)
	for range 3 {
		do(v, "GET")
	}
	if got := state(v); got != "a=ejected" {
		t.Errorf("after deadlines: %s", got)
	}
	v = b.of("http://b")
	f.on("http://b", fmt.Errorf("%w (%w)", errRefused, context.DeadlineExceeded))
	for range 3 {
		do(v, "GET")
	}
	if got := state(v); got != "b=ejected" {
		t.Errorf("after connections that took too long: %s", got)
	}
}

// TestShortDeadlines: who gives a target less time than it takes, however often, does not
// take it from the others, whom it answers.
func TestShortDeadlines(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	b.limits.fair = 0
	v := b.of("http://a")
	for _, answers := range []bool{true, false} {
		const hasty = 5
		inside, over := make(chan struct{}, hasty), make(chan struct{})
		f.on("http://a", func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error {
			inside <- struct{}{}
			<-over
			return context.DeadlineExceeded
		})
		var all sync.WaitGroup
		for range hasty {
			all.Go(func() { do(v, "GET") })
		}
		for range hasty {
			<-inside
		}
		want := "a=ejected"
		if answers {
			f.on("http://a", 200)
			do(v, "GET").succeeded(t, 200)
			want = "a=healthy"
		}
		close(over)
		all.Wait()
		if got := state(v); got != want {
			t.Errorf("it answers others: %v; %s, want %s", answers, got, want)
		}
	}
}

// TestEjectionDoubles, with jitter, up to a limit, and begins anew after a while.
func TestEjectionDoubles(t *testing.T) {
	b := newBench(t, new(fake))
	b.limits.ejectFirst, b.limits.ejectMost = defaultLimits().ejectFirst, defaultLimits().ejectMost
	a := find(t, b.of("http://a"), "http://a")
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
		want *= time.Second
		if got := a.ejectLocked(time.Now(), "x"); got > want || got < want*3/4 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for range 100 {
		a.ejectLocked(time.Now(), "x")
	}
	a.tried(worked, "")
	a.since = time.Now().Add(-time.Hour)
	a.eject("x")
	if got := a.until.Sub(a.since); got > time.Second {
		t.Errorf("after an hour got %v", got)
	}
	a.tried(worked, "")
	a.eject("x")
	if got := a.until.Sub(a.since); got < time.Second {
		t.Errorf("at once again got %v", got)
	}
}

// TestPanicMode: when all are out, the one that may be the least bad is tried.
func TestPanicMode(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	v := b.of("http://a", "http://b")
	f.on("http://a", errRefused)
	f.on("http://b", errRefused)
	for range 10 {
		do(v, "GET").failed(t, errRefused, "")
	}
	if got := state(v); got != "a=ejected b=ejected" {
		t.Fatal(got)
	}
	a := find(t, v, "http://a")
	if a.mu.Lock(); a.ejections != 1 {
		t.Errorf("ejected %d times: the calls that all fail must not add up", a.ejections)
	}
	a.mu.Unlock()
	// One that works is found, and is back.
	f.on("http://b", 200)
	do(v, "POST").succeeded(t, 200)
	if got := state(v); got != "a=ejected b=healthy" {
		t.Error(got)
	}
	f.took()
	do(v, "POST").succeeded(t, 200)
	if got := f.took(); got != "http://b" {
		t.Error(got)
	}
}

// TestAnswerBeforeEjected: a 503 is the answer when the only other target is ejected.
func TestAnswerBeforeEjected(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).of("http://a", "http://b")
	f.on("http://a", 503)
	find(t, v, "http://b").eject("x")
	do(v, "GET").succeeded(t, 503)
	if got := f.took(); got != "http://a" {
		t.Error(got)
	}
	f.on("http://a", errBroken)
	do(v, "GET").succeeded(t, 200)
	if got := state(v); got != "a=healthy b=healthy" {
		t.Error(got)
	}
}

// TestReload: what is known of a target outlives settings, and what is named no more
// is given up.
func TestReload(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	old := b.Take(Settings{Name: "user", Targets: []string{"http://a", "http://b"}, Retries: 1, MaxOutstanding: 10})
	f.on("http://a", errRefused)
	for range 10 {
		do(old, "GET").succeeded(t, 200)
	}
	a := find(t, old, "http://a")
	same := b.Take(old.Settings)
	if same != old {
		t.Error("the same settings are another service")
	}
	same.Leave()
	other := b.service(Settings{Name: "other", Targets: []string{"http://a"}})
	if got := state(other); got != "a=healthy" {
		t.Errorf("another service: %s", got)
	}

	inside, release := make(chan struct{}), make(chan struct{})
	f.on("http://b", func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error {
		inside <- struct{}{}
		<-release
		return nil
	})
	done := make(chan result)
	go func() { done <- do(old, "GET") }()
	<-inside
	next := b.service(Settings{Targets: []string{"http://a", "http://c"}, Retries: 2})
	before := f.closed["http://b"]
	old.Leave()
	if got := state(next); got != "a=ejected c=healthy" || find(t, next, "http://a") != a {
		t.Errorf("after a reload: %s", got)
	}
	if f.closed["http://b"] != before+1 {
		t.Error("the idle connections of b are still open")
	}
	close(release)
	(<-done).succeeded(t, 200)
}

// TestHammer: calls, failures and reloads together leave nothing behind.
func TestHammer(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	b.limits.ejectFirst, b.limits.ejectMost = time.Microsecond, time.Millisecond
	outcomes := []error{nil, nil, nil, errRefused, errBroken, context.Canceled}
	all := []string{"http://a", "http://b", "http://c", "http://d"}
	for _, origin := range all {
		f.on(origin, func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error {
			return outcomes[rand.IntN(len(outcomes))]
		})
	}
	keep := b.service(Settings{Targets: all, Retries: 2, MaxOutstanding: 3})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				v, taken := keep, n%5 == i%5
				if taken {
					v = b.Take(Settings{Name: "user", Targets: all[:1+n%4], Retries: n % 3, MaxOutstanding: 3})
				}
				if r := do(v, []string{"GET", "POST"}[n%2]); r.err != nil && r.target == "" {
					result{err: r.err}.failed(t, call.ErrUnavailable, "")
				}
				_ = v.Status()
				if taken {
					v.Leave()
				}
			}
		})
	}
	wg.Wait()
	for _, e := range keep.list.Load().entries {
		if n := e.outstanding.Load(); n != 0 {
			t.Errorf("%s has %d outstanding", e.name, n)
		}
		if e.trying {
			t.Errorf("%s is still tried", e.name)
		}
	}
	for _, e := range keep.list.Load().entries {
		e.over()
	}
	for _, origin := range all {
		f.on(origin, 200)
	}
	waitFor(t, "end of the ejections", func() bool { do(keep, "GET"); return !strings.Contains(state(keep), "ejected") })
}

func TestWithoutDot(t *testing.T) {
	for origin, want := range map[string]string{
		"http://a.b.:80": "http://a.b:80", "http://a.b.": "http://a.b", "http://a.b:80": "http://a.b:80", "http://[::1]:80": "http://[::1]:80",
	} {
		if got := withoutDot(origin); got != want {
			t.Errorf("%s is %s", origin, got)
		}
	}
	if len(ResultNames) != results || fmt.Sprint(ResultNames) == "" {
		t.Error("a result has no name")
	}
}
