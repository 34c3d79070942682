package wasmlane_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// inHandler runs f as part of a handler.
func inHandler(t *testing.T, env *lanetest.Env, f func()) {
	t.Helper()
	lanetest.Get("/").In(env).Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
		f()
		return nil
	}))
}

func TestKV(t *testing.T) {
	env := lanetest.New()
	kv := wasmlane.KV
	step := 0
	want := func(wanted string, got ...any) {
		t.Helper()
		step++
		if text := fmt.Sprint(got...); text != wanted {
			t.Errorf("step %d gives %s, want %s", step, text, wanted)
		}
	}
	inHandler(t, env, func() {
		value, err := kv.Get("a")
		want(`[] kv_get "a": absent`, value, " ", err)

		want("<nil>", kv.Set("a", nil))
		value, err = kv.Get("a")
		want("[] <nil>", value, err)
		big := []byte(strings.Repeat("v", 1<<20))
		want("<nil>", kv.Set("a", big))
		value, err = kv.Get("a")
		want("true <nil>", slices.Equal(value, big), err)

		ok, err := kv.Delete("a")
		want("true <nil>", ok, err)
		ok, err = kv.Delete("a")
		want("false <nil>", ok, err)

		ok, err = kv.CompareAndSwap("a", nil, []byte("x")) // absent is not empty
		want("false <nil>", ok, err)
		ok, err = kv.Create("a", nil)
		want("true <nil>", ok, err)
		ok, err = kv.Create("a", []byte("y"))
		want("false <nil>", ok, err)
		ok, err = kv.CompareAndSwap("a", []byte("z"), []byte("x"))
		want("false <nil>", ok, err)
		ok, err = kv.CompareAndSwap("a", nil, []byte("x"))
		want("true <nil>", ok, err)

		sum, err := kv.Add("n", 5)
		want("5 <nil>", sum, err)
		sum, err = kv.Add("n", -7)
		want("-2 <nil>", sum, err)
		value, err = kv.Get("n")
		want("-2 <nil>", string(value), " ", err)
		_, err = kv.Add("a", 1)
		want("true", errors.Is(err, wasmlane.ErrInvalid))
		sum, err = kv.Add("max", math.MaxInt64)
		want("9223372036854775807 <nil>", sum, err)
		_, err = kv.Add("max", 1)
		want("true", errors.Is(err, wasmlane.ErrInvalid))
	})
	if got := fmt.Sprint(env.KV.Keys()); got != "[a max n]" {
		t.Errorf("the keys are %s", got)
	}
}

func TestKVLimits(t *testing.T) {
	long := strings.Repeat("k", 1024)
	huge := make([]byte, 1<<20+1)
	kv := wasmlane.KV
	inHandler(t, lanetest.New(), func() {
		for _, c := range []struct {
			what string
			err  error
			want error
		}{
			{"the longest key", kv.Set(long, nil), nil},
			{"a longer key", kv.Set(long+"k", nil), wasmlane.ErrInvalid},
			{"no key", kv.Set("", nil), wasmlane.ErrInvalid},
			{"get", second(kv.Get("")), wasmlane.ErrInvalid},
			{"delete", second(kv.Delete("")), wasmlane.ErrInvalid},
			{"add", second(kv.Add("", 1)), wasmlane.ErrInvalid},
			{"swap", second(kv.CompareAndSwap("", nil, nil)), wasmlane.ErrInvalid},
			{"create", second(kv.Create("", nil)), wasmlane.ErrInvalid},
			{"a value", kv.Set("k", huge), wasmlane.ErrTooLarge},
			{"an old value", second(kv.CompareAndSwap("k", huge, nil)), wasmlane.ErrTooLarge},
			{"a created value", second(kv.Create("k", huge)), wasmlane.ErrTooLarge},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v, want %v", c.what, c.err, c.want)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestKVList(t *testing.T) {
	env := lanetest.New()
	for _, key := range []string{"a/1", "a/2", "a/" + strings.Repeat("3", 1000), "a/4", "b/1", "a", "a0"} {
		env.KV.Set(key, "v")
	}
	list := func(prefix, after string, limit int) (text string) {
		for key, err := range wasmlane.KV.List(prefix, after) {
			if err != nil {
				return fmt.Sprint(text, " ", err)
			}
			if limit--; limit < 0 {
				break
			}
			text += key[:min(len(key), 4)] + " "
		}
		return text
	}
	inHandler(t, env, func() {
		for _, c := range []struct{ got, want string }{
			{list("a/", "", 9), "a/1 a/2 a/33 a/4 "},
			{list("a/", "a/2", 9), "a/33 a/4 "},
			{list("a/", "a/15", 1), "a/2 "},
			{list("a/", "a/5", 9), ""},
			{list("", "", 9), "a a/1 a/2 a/33 a/4 a0 b/1 "},
			{list("c", "", 9), ""},
			{list(strings.Repeat("c", 1025), "", 9)[:15], ` kv_list "ccccc`},
		} {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		}
		// Keys that go away during the loop do not end it.
		for key := range wasmlane.KV.List("a/", "") {
			if _, err := wasmlane.KV.Delete(key); err != nil {
				t.Error(err)
			}
		}
	})
	if got := fmt.Sprint(env.KV.Keys()); got != "[a a0 b/1]" {
		t.Errorf("left are %s", got)
	}
}

func TestErrorsOfTheHost(t *testing.T) {
	for _, want := range []error{
		wasmlane.ErrAbsent, wasmlane.ErrInvalid, wasmlane.ErrDenied, wasmlane.ErrTimeout,
		wasmlane.ErrUnavailable, wasmlane.ErrTooLarge, wasmlane.ErrClosed,
	} {
		env := lanetest.New()
		env.OnKV = func(function, key string) error { return fmt.Errorf("%s %s: %w", function, key, want) }
		env.FailService("other", want)
		inHandler(t, env, func() {
			_, getErr := wasmlane.KV.Get("key")
			_, callErr := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/"})
			for _, err := range []error{getErr, callErr, wasmlane.KV.Set("key", nil)} {
				if !errors.Is(err, want) {
					t.Errorf("%v is not %v", err, want)
				}
			}
			var listErr error
			for _, listErr = range wasmlane.KV.List("k", "") {
			}
			// A list ends with ABSENT: that is no error.
			if !errors.Is(listErr, want) && want != wasmlane.ErrAbsent {
				t.Errorf("the list's error is %v, not %v", listErr, want)
			}
		})
	}
}
