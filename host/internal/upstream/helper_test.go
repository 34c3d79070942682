package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// patience bounds every wait of these tests. Only a test that fails waits so long.
const patience = 20 * time.Second

// fake answers for all targets, as a test tells it to.
type fake struct {
	mu      sync.Mutex
	answers map[string]func(ctx context.Context, peer call.Peer, req *fasthttp.Request, resp *fasthttp.Response) error
	sent    []string // origins, in order
	closed  map[string]int
}

func (f *fake) Send(ctx context.Context, peer call.Peer, req *fasthttp.Request, resp *fasthttp.Response) error {
	resp.Reset()
	f.mu.Lock()
	f.sent = append(f.sent, peer.Origin)
	answer := f.answers[peer.Origin]
	f.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(ctx, peer, req, resp)
}

func (f *fake) CloseIdle(peer call.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed == nil {
		f.closed = map[string]int{}
	}
	f.closed[peer.Origin]++
}

// on has a target answer with an error, or with a status.
func (f *fake) on(origin string, answer any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answers == nil {
		f.answers = map[string]func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error{}
	}
	switch answer := answer.(type) {
	case int:
		f.answers[origin] = func(_ context.Context, _ call.Peer, _ *fasthttp.Request, resp *fasthttp.Response) error {
			resp.SetStatusCode(answer)
			return nil
		}
	case error:
		f.answers[origin] = func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error { return answer }
	case func(ctx context.Context, peer call.Peer, req *fasthttp.Request, resp *fasthttp.Response) error:
		f.answers[origin] = answer
	default:
		panic(fmt.Sprintf("%T", answer))
	}
}

// took returns the origins that were sent to since the last look.
func (f *fake) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.sent, " ")
	f.sent = nil
	return all
}

// The ways in which a call fails.
var (
	errRefused = fmt.Errorf("%w (%w)", call.ErrUnavailable, call.ErrNoConnection)
	errBroken  = fmt.Errorf("%w: it broke off", call.ErrUnavailable)
)

// journal is a log that tests look at.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// count returns how many lines hold all of the words.
func (j *journal) count(words ...string) (n int) {
	for line := range strings.Lines(j.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}

// bench is a set to try things on.
type bench struct {
	*Set
	t   *testing.T
	log *journal
}

// newBench makes a set whose ejections last until the test ends them.
func newBench(t *testing.T, client Client) *bench {
	t.Helper()
	b := &bench{t: t, log: new(journal)}
	b.Set = NewSet(Options{Client: client, Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	b.limits.ejectFirst, b.limits.ejectMost = time.Hour, 100*time.Hour
	t.Cleanup(func() {
		b.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.services)+len(b.targets) > 0 {
			t.Errorf("%d services and %d targets are left", len(b.services), len(b.targets))
		}
	})
	return b
}

// service takes a service until the end of the test.
func (b *bench) service(s Settings) *Service {
	b.t.Helper()
	if s.Name == "" {
		s.Name = "user"
	}
	if s.MaxOutstanding == 0 {
		s.MaxOutstanding = 100
	}
	v := b.Take(s)
	b.t.Cleanup(v.Leave)
	return v
}

// of takes a service of these targets, with one retry.
func (b *bench) of(targets ...string) *Service {
	b.t.Helper()
	return b.service(Settings{Targets: targets, Retries: 1})
}

// result is what became of a call.
type result struct {
	target string
	status int
	body   string
	err    error
}

func do(v *Service, method string) result {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return doContext(ctx, v, method)
}

func doContext(ctx context.Context, v *Service, method string) result {
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	req.Header.SetMethod(method)
	req.SetRequestURI("/")
	target, err := v.Do(ctx, req, resp)
	return result{target, resp.StatusCode(), string(resp.Body()), err}
}

func (r result) failed(t *testing.T, kind error, text string) {
	t.Helper()
	if !errors.Is(r.err, kind) || !strings.Contains(fmt.Sprint(r.err), text) {
		t.Errorf("got %d %v, want %v with %q", r.status, r.err, kind, text)
	}
}

func (r result) succeeded(t *testing.T, status int) {
	t.Helper()
	if r.err != nil || r.status != status {
		t.Errorf("got %d %v, want %d", r.status, r.err, status)
	}
}

// find returns a target of a service.
func find(t *testing.T, v *Service, origin string) *Target {
	t.Helper()
	for _, e := range v.list.Load().entries {
		if e.origin == origin {
			return e.Target
		}
	}
	t.Fatalf("no target %s", origin)
	return nil
}

// over ends the time of a target's ejection.
func (t *Target) over() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = time.Now().Add(-time.Second)
}

// state returns the states of the targets, as "a=healthy b=ejected".
func state(v *Service) string {
	var all []string
	for _, s := range v.Status().Targets {
		all = append(all, strings.TrimPrefix(s.Target, "http://")+"="+s.State)
	}
	return strings.Join(all, " ")
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}
