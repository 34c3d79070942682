package upstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/call"
)

// nothing answers at once.
type nothing struct{}

func (nothing) Send(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error {
	return nil
}
func (nothing) CloseIdle(call.Peer) {}

func newRequest(method string) *fasthttp.Request {
	req := new(fasthttp.Request)
	req.Header.SetMethod(method)
	req.SetRequestURI("/")
	return req
}

func newResponse() *fasthttp.Response { return new(fasthttp.Response) }

// TestRetries: what is sent how often, by the method and by how the first target
// fails.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		method  string
		failure any
		retries int
		tries   int
	}{
		{"GET", errRefused, 1, 2},
		{"POST", errRefused, 1, 2},
		{"POST", errRefused, 0, 2},
		{"PATCH", errRefused, 0, 2},
		{"GET", errBroken, 1, 2},
		{"GET", errBroken, 0, 1},
		{"PUT", errBroken, 1, 2},
		{"DELETE", errBroken, 1, 2},
		{"POST", errBroken, 5, 1},
		{"PATCH", errBroken, 5, 1},
		{"GET", 503, 1, 2},
		{"GET", 502, 1, 2},
		{"GET", 503, 0, 1},
		{"POST", 503, 1, 1},
		{"GET", 500, 1, 1},
		{"GET", 504, 1, 1},
		{"GET", 429, 1, 1},
		{"GET", 404, 1, 1},
		{"GET", call.ErrTooLarge, 1, 1},
		{"GET", call.ErrRequest, 1, 1},
		{"GET", context.Canceled, 1, 1},
		{"GET", context.DeadlineExceeded, 1, 1},
	} {
		t.Run(fmt.Sprint(c.method, " ", c.failure, " ", c.retries), func(t *testing.T) {
			f := new(fake)
			v := newBench(t, f).service(Settings{Targets: []string{"http://a", "http://b"}, Retries: c.retries})
			f.on("http://a", c.failure)
			r := do(v, c.method)
			if got := len(strings.Fields(f.took())); got != c.tries {
				t.Errorf("%d tries, want %d", got, c.tries)
			}
			if c.tries == 2 {
				r.succeeded(t, 200)
				if n := find(t, v, "http://b").counts.Retries.Load(); r.target != "http://b" || n != 1 {
					t.Errorf("the target is %s, %d retries are counted", r.target, n)
				}
				return
			}
			if err, ok := c.failure.(error); ok {
				r.failed(t, err, "")
			} else {
				r.succeeded(t, c.failure.(int))
			}
		})
	}
}

// TestRetrySendsTheSame: the second target gets the request as it was, and what the
// first one answered is gone.
func TestRetrySendsTheSame(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).of("http://a", "http://b")
	f.on("http://a", func(_ context.Context, _ call.Peer, _ *fasthttp.Request, resp *fasthttp.Response) error {
		resp.SetStatusCode(503)
		resp.Header.Set("X-From", "a")
		resp.SetBodyString("the first")
		return nil
	})
	f.on("http://b", func(_ context.Context, _ call.Peer, req *fasthttp.Request, resp *fasthttp.Response) error {
		resp.SetBodyString(fmt.Sprintf("%s %s %s %s", req.Header.Method(), req.RequestURI(), req.Header.Peek("X-Request-Id"), req.Body()))
		return nil
	})
	req, resp := newRequest("PUT"), newResponse()
	req.SetRequestURI("/x?y=z")
	req.Header.Set("X-Request-Id", "id")
	req.SetBodyString("body")
	if target, err := v.Do(context.Background(), req, resp); err != nil || target != "http://b" ||
		string(resp.Body()) != "PUT /x?y=z id body" || len(resp.Header.Peek("X-From")) > 0 {
		t.Errorf("%s %v %q", target, err, resp.String())
	}
}

// TestRetriesEnd: at the number that is allowed, at the last target, and always with
// what the last one said.
func TestRetriesEnd(t *testing.T) {
	all := []string{"http://a", "http://b", "http://c", "http://d", "http://e"}
	for _, c := range []struct {
		targets, retries, tries int
		failure                 any
	}{
		{5, 1, 2, errBroken},
		{5, 3, 4, errBroken},
		{5, 7, 5, errBroken},
		{1, 7, 1, errBroken},
		{5, 0, 3, errRefused},
		{5, 1, 3, errRefused},
		{5, 4, 5, errRefused},
		{2, 1, 2, 503},
	} {
		f := new(fake)
		b := newBench(t, f)
		b.limits.failures = 1000
		v := b.service(Settings{Targets: all[:c.targets], Retries: c.retries})
		for _, origin := range all {
			f.on(origin, c.failure)
		}
		r := do(v, "GET")
		tries := strings.Fields(f.took())
		if len(tries) != c.tries {
			t.Errorf("%+v: tried at %q", c, tries)
		}
		seen := map[string]bool{}
		for _, origin := range tries {
			if seen[origin] {
				t.Errorf("%+v: tried twice at one: %q", c, tries)
			}
			seen[origin] = true
		}
		if err, ok := c.failure.(error); ok {
			r.failed(t, err, "")
		} else {
			r.succeeded(t, 503)
		}
	}
}

// TestBudget: when everything fails, retries are a fifth of the calls beyond what
// was saved.
func TestBudget(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	b.limits.failures = 1 << 30
	v := b.of("http://a", "http://b")
	f.on("http://a", errBroken)
	f.on("http://b", errBroken)
	const calls = 2000
	for range calls {
		do(v, "GET").failed(t, call.ErrUnavailable, "broke off")
	}
	if got := len(strings.Fields(f.took())); got < calls*12/10 || got > calls*12/10+101 {
		t.Errorf("%d calls were sent %d times", calls, got)
	}
	// Calls that need none fill it up again, and not without end.
	f.on("http://a", 200)
	f.on("http://b", 200)
	for range calls {
		do(v, "GET").succeeded(t, 200)
	}
	if left := v.budget.left.Load(); left < b.limits.budgetCap || left > b.limits.budgetCap+b.limits.budgetShare {
		t.Errorf("%d is left", left)
	}
}

// TestNoTimeForRetry: a call whose time is nearly over is not sent again.
func TestNoTimeForRetry(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	b.limits.least = time.Hour
	v := b.of("http://a", "http://b")
	f.on("http://a", errRefused)
	do(v, "GET").failed(t, call.ErrNoConnection, "")
	if got := f.took(); got != "http://a" {
		t.Error(got)
	}
}

// TestMaxOutstanding: at the limit a call fails at once.
func TestMaxOutstanding(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).service(Settings{Targets: []string{"http://a", "http://b"}, MaxOutstanding: 2})
	inside, release := make(chan struct{}), make(chan struct{})
	wait := func(context.Context, call.Peer, *fasthttp.Request, *fasthttp.Response) error {
		inside <- struct{}{}
		<-release
		return nil
	}
	f.on("http://a", wait)
	f.on("http://b", wait)
	done := make(chan result)
	for range 4 {
		go func() { done <- do(v, "GET") }()
		<-inside
	}
	do(v, "GET").failed(t, call.ErrUnavailable, "every healthy target of service user has max_outstanding = 2 calls")
	close(release)
	for range 4 {
		(<-done).succeeded(t, 200)
	}
	go func() { <-inside }()
	do(v, "GET").succeeded(t, 200)
	for _, s := range v.Status().Targets {
		if s.Outstanding != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// TestTimeoutHeader: the other side learns what is left, and a guest can only make it
// less.
func TestTimeoutHeader(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).of("http://a")
	var got []byte
	f.on("http://a", func(_ context.Context, _ call.Peer, req *fasthttp.Request, _ *fasthttp.Response) error {
		all := req.Header.PeekAll(abi.HeaderTimeout)
		if len(all) > 1 {
			t.Errorf("the header is there %d times", len(all))
		}
		got = append(got[:0], req.Header.Peek(abi.HeaderTimeout)...)
		return nil
	})
	for _, c := range []struct {
		left        time.Duration // 0: no deadline
		guest       string
		least, most int64
	}{
		{time.Hour, "", 3_590_000, 3_600_000},
		{time.Hour, "250", 250, 250},
		{time.Hour, "99999999", 3_590_000, 3_600_000},
		{time.Hour, "9999999999999999999999", 3_590_000, 3_600_000},
		{time.Hour, "-5", 3_590_000, 3_600_000},
		{time.Hour, "soon", 3_590_000, 3_600_000},
		{time.Hour, "0", 3_590_000, 3_600_000},
		{0, "250", 250, 250},
		{0, "", 0, 0},
	} {
		req := newRequest("GET")
		if c.guest != "" {
			req.Header.Set("X-Envoy-Expected-Rq-Timeout-Ms", c.guest)
		}
		ctx, cancel := context.WithCancel(context.Background())
		if c.left > 0 {
			ctx, cancel = context.WithTimeout(context.Background(), c.left)
		}
		if _, err := v.Do(ctx, req, newResponse()); err != nil {
			t.Error(err)
		}
		cancel()
		if ms := abi.ParseTimeout(got); ms < c.least || ms > c.most {
			t.Errorf("%+v: the header is %q", c, got)
		}
	}
}

// TestTryTimeout: one try gets that much, the last one all that is left, and what must
// not be sent twice, too.
func TestTryTimeout(t *testing.T) {
	f := new(fake)
	v := newBench(t, f).service(Settings{Targets: []string{"http://a", "http://b"}, Retries: 1, TryTimeout: 10 * time.Millisecond})
	hang := func(ctx context.Context, _ call.Peer, _ *fasthttp.Request, _ *fasthttp.Response) error {
		<-ctx.Done()
		return ctx.Err()
	}
	f.on("http://a", hang)
	do(v, "GET").succeeded(t, 200)
	if got := f.took(); got != "http://a http://b" {
		t.Error(got)
	}
	a := find(t, v, "http://a")
	if a.failures.Load() != 1 || a.counts.Results[ResultTimeout].Load() != 1 {
		t.Errorf("%d failures, results %v", a.failures.Load(), &a.counts.Results)
	}
	find(t, v, "http://b").outstanding.Store(100) // nobody is left to try
	r := do(v, "GET")
	find(t, v, "http://b").outstanding.Store(0)
	r.failed(t, call.ErrUnavailable, "http://a: no answer within try_timeout = 10ms")
	r.failed(t, context.DeadlineExceeded, "")
	f.took()
	f.on("http://b", hang)
	v.budget.left.Store(0) // no other try may be made: the first has all the time
	for _, method := range []string{"GET", "POST"} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		if r := doContext(ctx, v, method); !errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, call.ErrUnavailable) {
			t.Errorf("%s got %v", method, r.err)
		}
		cancel()
	}
}

// TestDialTimeout: a connection takes no more than half of what is left, when there is
// somebody else to ask.
func TestDialTimeout(t *testing.T) {
	f := new(fake)
	b := newBench(t, f)
	var got time.Duration
	look := func(_ context.Context, peer call.Peer, _ *fasthttp.Request, _ *fasthttp.Response) error {
		got = peer.DialTimeout
		return nil
	}
	f.on("http://a", look)
	f.on("http://b", look)
	do(b.of("http://a", "http://b"), "GET").succeeded(t, 200)
	if got != time.Second {
		t.Error(got)
	}
	b.limits.dial = time.Hour
	do(b.of("http://a", "http://b"), "GET").succeeded(t, 200)
	if got > patience/2 || got <= 0 {
		t.Error(got)
	}
	do(b.of("http://a"), "GET").succeeded(t, 200)
	if got != 0 {
		t.Error(got)
	}
}
