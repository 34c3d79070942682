package wasmlane_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("X-Many", "1")
	w.Header().Add("X-Many", "2")
	w.WriteHeader(203)
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %v %q", r.Method, r.Host, r.RequestURI, r.Header, body)
}

func TestCall(t *testing.T) {
	env := lanetest.New()
	env.Service("other", echo)
	env.Service("https://api.example.com", echo)
	req := lanetest.Get("/").ID("id-1").Header("traceparent", "00-1-1-01").In(env)
	req.Do(t, handle(func(*wasmlane.Response, *wasmlane.Request) error {
		for _, c := range []struct {
			target string
			req    wasmlane.CallRequest
			want   string
		}{
			{"other", wasmlane.CallRequest{Path: "/"},
				`GET other / map[Traceparent:[00-1-1-01] X-Request-Id:[id-1]] ""`},
			{"https://api.example.com", wasmlane.CallRequest{
				Method: "POST",
				Path:   "/a%20b?c=d",
				Header: []wasmlane.Header{{"Accept", "a: b"}, {"accept", "\tc "}, {"Traceparent", "mine"}},
				Body:   []byte("body\n"),
			}, `POST api.example.com /a%20b?c=d map[Accept:[a: b c] Traceparent:[mine] X-Request-Id:[id-1]] "body\n"`},
		} {
			res, err := wasmlane.Call(c.target, &c.req)
			if err != nil {
				t.Error(err)
				continue
			}
			if res.Status != 203 || res.Header("x-many") != "1" || fmt.Sprint(res.HeaderValues("X-Many")) != "[1 2]" || res.Header("other") != "" {
				t.Errorf("the answer's head is %d %v", res.Status, res.HeaderValues("X-Many"))
			}
			if body, err := res.Body(); err != nil || string(body) != c.want {
				t.Errorf("got\n%s, want\n%s", body, c.want)
			}
			if body, err := res.Body(); err != nil || len(body) != 0 {
				t.Errorf("after the end there is %q, %v", body, err)
			}
			res.Close()
			if _, err := res.Body(); !errors.Is(err, wasmlane.ErrInvalid) {
				t.Errorf("after Close: %v", err)
			}
		}
		return nil
	}))
}

func TestCallBody(t *testing.T) {
	long := strings.Repeat("0123456789", 3000)
	env := lanetest.New()
	env.Service("other", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Query().Get("body")) })
	ask := func(body string) *wasmlane.CallResponse {
		res, err := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/?body=" + body})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	inHandler(t, env, func() {
		if body, err := io.ReadAll(ask(long)); err != nil || string(body) != long {
			t.Errorf("io.ReadAll gives %d bytes, %v", len(body), err)
		}
		if body, err := ask(long).Body(); err != nil || string(body) != long {
			t.Errorf("Body gives %d bytes, %v", len(body), err)
		}
		var v struct{ A int }
		if err := ask(`{"A":1,"B":2}`).JSON(&v); err != nil || v.A != 1 {
			t.Errorf("JSON gives %v, %v", v, err)
		}
		if err := ask(`{`).JSON(&v); err == nil {
			t.Error("JSON takes what is none")
		}
	})
}

func TestCallLimits(t *testing.T) {
	env := lanetest.New()
	env.Service("other", echo)
	inHandler(t, env, func() {
		if _, err := wasmlane.Call("third", &wasmlane.CallRequest{Path: "/"}); !errors.Is(err, wasmlane.ErrDenied) {
			t.Errorf("a target that is not granted: %v", err)
		}
		var open []*wasmlane.CallResponse
		for range 16 {
			res, err := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/"})
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, res)
		}
		if _, err := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/"}); !errors.Is(err, wasmlane.ErrTooLarge) {
			t.Errorf("the 17th call: %v", err)
		}
		open[3].Close()
		if _, err := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/"}); err != nil {
			t.Errorf("after a Close: %v", err)
		}
		big := []wasmlane.Header{{"X-A", strings.Repeat("x", 64<<10)}}
		open[4].Close()
		if _, err := wasmlane.Call("other", &wasmlane.CallRequest{Path: "/", Header: big}); !errors.Is(err, wasmlane.ErrTooLarge) {
			t.Errorf("a head of 64 KiB: %v", err)
		}
	})
}

// No method, path or header may become two headers, or other ones.
func FuzzCallHead(f *testing.F) {
	f.Add("GET", "/", "Accept", "text/plain")
	f.Add("GET", "/ HTTP", "a", "b")
	f.Add("GET /x", "/", "a", "b")
	f.Add("GET", "/\nX: y", "a", "b")
	f.Add("GET", "/", "a: b\nX", "y")
	f.Add("GET", "/", "a:", "b")
	f.Add("GET", "/", "a", "b\nX: y")
	f.Add("GET", "/", "a", "b\r\nX: y")
	f.Add("GET", "/", "Host", "evil")
	f.Add("GET", "/", "transfer-encoding", "chunked")
	f.Add("GET", "/", "X-Request-Id", "1")
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, name, value string) {
		env := lanetest.New()
		var seen *http.Request
		env.Service("other", func(w http.ResponseWriter, r *http.Request) { seen = r })
		inHandler(t, env, func() {
			res, err := wasmlane.Call("other", &wasmlane.CallRequest{
				Method: method, Path: path, Header: []wasmlane.Header{{Name: name, Value: value}},
			})
			switch {
			case err != nil:
				if seen != nil || !errors.Is(err, wasmlane.ErrInvalid) && !errors.Is(err, wasmlane.ErrTooLarge) {
					t.Errorf("the error is %v", err)
				}
				return
			case seen == nil: // the path has an escape that is none
				if res.Status != 400 {
					t.Errorf("status %d", res.Status)
				}
				return
			case method == "":
				method = "GET"
			}
			seen.Header.Del("X-Request-Id")
			got := seen.Header[http.CanonicalHeaderKey(strings.ToLower(name))]
			if seen.Method != method || seen.RequestURI != path || len(seen.Header) != 1 || len(got) != 1 || got[0] != strings.Trim(value, " \t") {
				t.Errorf("%q %q %q %q arrived as %q %q %q", method, path, name, value, seen.Method, seen.RequestURI, seen.Header)
			}
		})
	})
}
