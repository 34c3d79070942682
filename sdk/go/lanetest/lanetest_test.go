package lanetest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

func handle(h wasmlane.Handler) func() { return func() { wasmlane.Handle(h) } }

// fakeT notes the first failure and ends there, as a *testing.T does.
type fakeT struct {
	failure string
	logged  []string
}

type failed struct{}

func (*fakeT) Helper() {}

func (f *fakeT) Logf(format string, args ...any) {
	f.logged = append(f.logged, fmt.Sprintf(format, args...))
}

func (f *fakeT) Fatalf(format string, args ...any) {
	f.failure = fmt.Sprintf(format, args...)
	panic(failed{})
}

// failure returns how f fails.
func failure(f func(t lanetest.T)) (text string) {
	var t fakeT
	defer func() {
		if p := recover(); p != nil && p != (failed{}) {
			panic(p)
		}
		text = t.failure
	}()
	f(&t)
	return ""
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        error
	}{
		{"X-A", "", nil},
		{"x-!#$%&'*+-.^_`|~9", "é\ttab \xff", nil},
		{"Content-Type", "text/html", nil},
		{"", "v", wasmlane.ErrInvalid},
		{"X A", "v", wasmlane.ErrInvalid},
		{"X:A", "v", wasmlane.ErrInvalid},
		{"Xé", "v", wasmlane.ErrInvalid},
		{"X-A", "a\nb", wasmlane.ErrInvalid},
		{"X-A", "a\rb", wasmlane.ErrInvalid},
		{"X-A", "a\x00b", wasmlane.ErrInvalid},
		{"X-A", "a\x7fb", wasmlane.ErrInvalid},
		{"Content-Length", "1", wasmlane.ErrInvalid},
		{"DATE", "now", wasmlane.ErrInvalid},
		{"server", "s", wasmlane.ErrInvalid},
		{"Connection", "close", wasmlane.ErrInvalid},
		{"Keep-Alive", "1", wasmlane.ErrInvalid},
		{"Proxy-Connection", "x", wasmlane.ErrInvalid},
		{"Proxy-Authenticate", "x", wasmlane.ErrInvalid},
		{"Proxy-Authorization", "x", wasmlane.ErrInvalid},
		{"TE", "x", wasmlane.ErrInvalid},
		{"Trailer", "x", wasmlane.ErrInvalid},
		{"Transfer-Encoding", "chunked", wasmlane.ErrInvalid},
		{"Upgrade", "x", wasmlane.ErrInvalid},
		{"X-Big", strings.Repeat("x", 64<<10), wasmlane.ErrTooLarge},
	} {
		res := lanetest.Get("/").Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
			if err := w.SetHeader(c.name, c.value); !errors.Is(err, c.want) {
				t.Errorf("SetHeader(%q, %.20q): %v, want %v", c.name, c.value, err, c.want)
			}
			if err := w.AddHeader(c.name, c.value); !errors.Is(err, c.want) {
				t.Errorf("AddHeader(%q, %.20q): %v, want %v", c.name, c.value, err, c.want)
			}
			return nil
		}))
		if n := len(res.Header.Values(c.name)); (n == 2) != (c.want == nil) {
			t.Errorf("%q has %d values", c.name, n)
		}
	}
}

func TestMisuseIsAPanic(t *testing.T) {
	for status, want := range map[int]string{
		199: "199 is outside 200 to 599",
		600: "600 is outside",
		0:   "0 is outside",
		-1:  "-1 is outside",
		200: "",
		599: "",
	} {
		if got := panicOf(t, func(w *wasmlane.Response) { w.Status(status) }); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("status %d: panic %q", status, got)
		}
	}
	got := panicOf(t, func(w *wasmlane.Response) {
		wasmlane.Flush(w)
		w.Status(200)
	})
	if !strings.Contains(got, "the head has been sent") {
		t.Errorf("status after flush: panic %q", got)
	}
}

func panicOf(t *testing.T, f func(*wasmlane.Response)) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	lanetest.Get("/").Do(t, handle(func(w *wasmlane.Response, _ *wasmlane.Request) error {
		f(w)
		return nil
	}))
	return ""
}

func TestHead(t *testing.T) {
	res := lanetest.NewRequest("HEAD", "/", "").Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		return w.Text(200, "body")
	}))
	if res.Status != 200 || len(res.Body) != 0 || res.Header.Get("Content-Type") == "" {
		t.Errorf("got %+v", res)
	}
}

func TestBadTargets(t *testing.T) {
	for _, target := range []string{"", "users", "/%zz", "/%", "/a b", "/#x", "http://localhost/"} {
		got := failure(func(t lanetest.T) { lanetest.Get(target).Do(t, func() {}) })
		if !strings.Contains(got, "is no request target") {
			t.Errorf("%q: failure %q", target, got)
		}
	}
}

func TestResponseJSON(t *testing.T) {
	got := failure(func(t lanetest.T) {
		var v struct{}
		lanetest.Get("/").Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
			return w.Text(404, "nothing")
		})).JSON(&v)
	})
	if !strings.Contains(got, `status 404, body "nothing"`) {
		t.Errorf("failure %q", got)
	}
}

func TestLogsAreInTheTestsLog(t *testing.T) {
	var fake fakeT
	lanetest.Get("/").Do(&fake, handle(func(*wasmlane.Response, *wasmlane.Request) error { return errors.New("why") }))
	if len(fake.logged) != 1 || !strings.Contains(fake.logged[0], "why") {
		t.Errorf("logged %q", fake.logged)
	}
}

// A request can be used again, and an Env keeps its store from one to the next.
func TestEnvIsShared(t *testing.T) {
	env := lanetest.New()
	count := handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		body, err := r.Body()
		if err != nil {
			return err
		}
		n, err := wasmlane.KV.Add(string(body), 1)
		if err != nil {
			return err
		}
		return w.JSON(200, n)
	})
	shared, own := lanetest.Post("/", "key").In(env), lanetest.Post("/", "key")
	for i := range 3 {
		var n int
		if shared.Do(t, count).JSON(&n); n != i+1 {
			t.Errorf("shared: %d", n)
		}
		if own.Do(t, count).JSON(&n); n != 1 {
			t.Errorf("own: %d", n)
		}
	}
	if value, ok := env.KV.Get("key"); value != "3" || !ok {
		t.Errorf("the store has %q", value)
	}
}

func TestParallel(t *testing.T) {
	shared := lanetest.New()
	t.Cleanup(func() {
		if value, _ := shared.KV.Get("n"); value != "400" {
			t.Errorf("the sum is %s", value)
		}
	})
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for range 50 {
				env := lanetest.New()
				env.Config["i"] = fmt.Sprint(i)
				res := lanetest.Get("/").In(env).Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
					value, _ := wasmlane.Config("i")
					return w.Text(200, value)
				}))
				if res.Text() != fmt.Sprint(i) {
					t.Errorf("got the config of test %s", res.Text())
				}
				lanetest.Get("/").In(shared).Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
					_, err := wasmlane.KV.Add("n", 1)
					return err
				}))
			}
		})
	}
}

// A stub and OnKV may run another handler, with its own Env or the same one.
func TestNested(t *testing.T) {
	env := lanetest.New()
	env.Config["who"] = "outer"
	who := func() string { value, _ := wasmlane.Config("who"); return value }
	inner := handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		return w.Text(200, who()+" "+r.Path())
	})
	env.Service("other", func(w http.ResponseWriter, r *http.Request) {
		innerEnv := lanetest.New()
		innerEnv.Config["who"] = "inner"
		fmt.Fprint(w, lanetest.Get(r.URL.Path).In(innerEnv).Do(t, inner).Text())
	})
	nested := ""
	env.OnKV = func(function, key string) error {
		nested = function + " " + key + " " + lanetest.Get("/b").In(env).Do(t, inner).Text()
		return nil
	}
	res := lanetest.Get("/outer").In(env).Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		answer, err := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/a"})
		if err != nil {
			return err
		}
		body, err := answer.Body()
		if err != nil {
			return err
		}
		if err := wasmlane.KV.Set("key", nil); err != nil {
			return err
		}
		return w.Text(200, string(body)+", "+who()+" "+r.Path())
	}))
	if want := "inner /a, outer /outer"; res.Text() != want || nested != "kv_set key outer /b" {
		t.Errorf("got %q and %q", res.Text(), nested)
	}
}

// A panic in OnKV ends the handler before the operation takes place.
func TestPanicInOnKV(t *testing.T) {
	env := lanetest.New()
	env.OnKV = func(string, string) error { panic("cut") }
	func() {
		defer func() {
			if p := recover(); p != "cut" {
				t.Errorf("the panic is %v", p)
			}
		}()
		lanetest.Get("/").In(env).Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
			return wasmlane.KV.Set("key", nil)
		}))
	}()
	if len(env.KV.Keys()) != 0 {
		t.Errorf("the store has %v", env.KV.Keys())
	}
}
