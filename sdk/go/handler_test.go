package wasmlane_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// handle makes an exported function of a handler.
func handle(h wasmlane.Handler) func() { return func() { wasmlane.Handle(h) } }

// fails is a handler that does nothing but fail.
func fails(err error) func() {
	return handle(func(*wasmlane.Response, *wasmlane.Request) error { return err })
}

func TestErrorsBecomeAnswers(t *testing.T) {
	cause := errors.New("secret")
	for name, c := range map[string]struct {
		err     error
		status  int
		message string
		logged  string // "" for nothing
	}{
		"any":     {cause, 500, "internal error", "secret"},
		"away":    {fmt.Errorf("secret: %w", wasmlane.ErrUnavailable), 503, "unavailable; try again later", "secret: the other side failed"},
		"late":    {wasmlane.ErrTimeout, 504, "the handler did not answer in time", "the deadline came first"},
		"told":    {&wasmlane.HTTPError{Status: 502, Message: "m", Err: wasmlane.ErrUnavailable}, 502, "m", "502 m: the other side failed"},
		"status":  {wasmlane.Error(404, "no such user"), 404, "no such user", ""},
		"format":  {wasmlane.Errorf(409, "%s is taken", "ada"), 409, "ada is taken", ""},
		"wrapped": {fmt.Errorf("secret: %w", wasmlane.Error(403, "not you")), 403, "not you", ""},
		"cause":   {&wasmlane.HTTPError{Status: 502, Message: "try later", Err: cause}, 502, "try later", "502 try later: secret"},
		"quoting": {wasmlane.Error(400, "\"a\\b\"\n\x01 é \xff"), 400, "\"a\\b\"\n\x01 é \ufffd", ""},
	} {
		t.Run(name, func(t *testing.T) {
			env := lanetest.New()
			res := lanetest.Get("/").ID("id-7").In(env).Do(t, fails(c.err))
			var body struct {
				Error     string
				RequestID string `json:"request_id"`
			}
			res.JSON(&body)
			if res.Status != c.status || body.Error != c.message || body.RequestID != "id-7" || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got %d %v %s", res.Status, res.Header, res.Text())
			}
			var logged []lanetest.Message
			if c.logged != "" {
				logged = []lanetest.Message{{Level: wasmlane.LevelError, Text: c.logged}}
			}
			if fmt.Sprint(env.Logs()) != fmt.Sprint(logged) {
				t.Errorf("logged %v, want %v", env.Logs(), logged)
			}
		})
	}
}

func TestHTTPErrorHasItsCause(t *testing.T) {
	err := fmt.Errorf("more: %w", &wasmlane.HTTPError{Status: 503, Message: "m", Err: wasmlane.ErrUnavailable})
	if !errors.Is(err, wasmlane.ErrUnavailable) {
		t.Errorf("%v is not ErrUnavailable", err)
	}
}

// panics returns what f panics with, as text.
func panics(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

func TestErrorAfterTheBodyHasBegunIsAPanic(t *testing.T) {
	got := panics(func() {
		lanetest.Get("/").Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
			if _, err := w.WriteString("half of "); err != nil {
				return err
			}
			return errors.New("no more")
		}))
	})
	if !strings.Contains(got, "begun the body: no more") {
		t.Errorf("the panic says %q", got)
	}
	// The next handler runs all the same.
	if res := lanetest.Get("/").Do(t, fails(wasmlane.Error(418, "tea"))); res.Status != 418 {
		t.Errorf("status %d", res.Status)
	}
}

func TestRefusedWrite(t *testing.T) {
	env := lanetest.New()
	res := lanetest.Get("/").In(env).Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		chunk := make([]byte, 1<<20)
		for {
			if _, err := w.Write(chunk); err != nil {
				return err
			}
		}
	}))
	if res.Status != 500 || !json.Valid(res.Body) {
		t.Errorf("got %d %.80q", res.Status, res.Body)
	}
	if logs := env.Logs(); len(logs) != 1 || !strings.Contains(logs[0].Text, "over a limit") {
		t.Errorf("logged %v", logs)
	}
}

func TestPanicIsNotRecovered(t *testing.T) {
	got := panics(func() {
		lanetest.Get("/").Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error { panic("boom") }))
	})
	if got != "boom" {
		t.Errorf("the panic says %q", got)
	}
}

func TestOutsideOfAHandler(t *testing.T) {
	if got := panics(func() { wasmlane.Config("key") }); !strings.Contains(got, "lanetest") {
		t.Errorf("the panic says %q", got)
	}
}

func TestRandAndConfig(t *testing.T) {
	numbers := func(env *lanetest.Env) (text string) {
		lanetest.Get("/").In(env).Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
			text = fmt.Sprint(wasmlane.Rand().Uint64(), wasmlane.Rand().Uint64())
			return nil
		}))
		return text
	}
	env := lanetest.New()
	first := numbers(env)
	if a, b, _ := strings.Cut(first, " "); a == b || first == numbers(env) {
		t.Error("the same random numbers twice")
	}
	env.Seed = 1
	if again := numbers(env); numbers(env) != again {
		t.Error("a seeded Env gives other numbers each time")
	}

	env.Config["greeting"], env.Config["empty"] = "hello", ""
	lanetest.Get("/").In(env).Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
		for key, want := range map[string]string{"greeting": "hello true", "empty": " true", "other": " false"} {
			value, ok := wasmlane.Config(key)
			if got := fmt.Sprint(value, " ", ok); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		return nil
	}))
}

func TestLog(t *testing.T) {
	env := lanetest.New()
	lanetest.Get("/").In(env).Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
		wasmlane.Log.Debug("100%")
		wasmlane.Log.Info("b")
		wasmlane.Log.Warn("c")
		wasmlane.Log.Error("d")
		wasmlane.Log.Debugf("%d", 1)
		wasmlane.Log.Infof("%d", 2)
		wasmlane.Log.Warnf("%d", 3)
		wasmlane.Log.Errorf("%d", 4)
		fmt.Fprintln(wasmlane.Log.Writer(wasmlane.LevelWarn), "line")
		wasmlane.Log.Info(strings.Repeat("x", 9000))
		return nil
	}))
	logs := env.Logs()
	want := "[{0 100%} {1 b} {2 c} {3 d} {0 1} {1 2} {2 3} {3 4} {2 line}]"
	if got := fmt.Sprint(logs[:9]); got != want {
		t.Errorf("logged\n%s, want\n%s", got, want)
	}
	if n := len(logs[9].Text); n != 8192 {
		t.Errorf("a long message has %d bytes", n)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\x00\x1f\x7f", "é\u2028\xff", "</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		var body struct{ Error string }
		lanetest.Get("/").Do(t, fails(wasmlane.Error(400, message))).JSON(&body)
		if want := strings.ToValidUTF8(message, "\ufffd"); strings.ReplaceAll(body.Error, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Errorf("%q became %q", message, body.Error)
		}
	})
}
