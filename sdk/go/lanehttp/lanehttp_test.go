package lanehttp_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

var discard = log.New(io.Discard, "", 0)

func do(t *testing.T, req *lanetest.Request, h http.HandlerFunc) *lanetest.Response {
	t.Helper()
	return req.Do(t, func() { lanehttp.Handle(h) })
}

func TestDefaultServeMux(t *testing.T) {
	http.HandleFunc("/default/{x}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("x")) })
	res := lanetest.Get("/default/7").Do(t, func() { lanehttp.Handle(nil) })
	if res.Status != 200 || res.Text() != "7" {
		t.Errorf("got %d %s", res.Status, res.Text())
	}
}

func TestRequest(t *testing.T) {
	var ended func() bool
	req := lanetest.Post("/v1/a%2Fb/c", "body").Chunked().RemoteAddr("2001:db8::1").ID("id-1").
		Route("/v1/{x:[^{]{1,9}}/{rest...}").Param("x", "a/b").Param("rest", "c")
	do(t, req, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		for _, c := range []struct{ what, got, want string }{
			{"RemoteAddr", r.RemoteAddr, "[2001:db8::1]:0"},
			{"x", r.PathValue("x"), "a/b"},
			{"rest", r.PathValue("rest"), "c"},
			{"length", fmt.Sprint(r.ContentLength, r.TransferEncoding, r.Header), "-1 [chunked] map[]"},
			{"body", fmt.Sprintf("%s %v", body, err), "body <nil>"},
			{"TLS", fmt.Sprint(r.TLS == nil), "true"},
			{"own", lanehttp.Request(r.WithContext(r.Context())).ID(), "id-1"},
			{"context", fmt.Sprint(r.Context().Err()), "<nil>"},
		} {
			if c.got != c.want {
				t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
			}
		}
		ended = func() bool { return r.Context().Err() != nil }
	})
	if !ended() {
		t.Error("the context outlives the handler")
	}
}

func TestRequestOfAnother(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "lanehttp: Request was given") {
			t.Errorf("the panic is %s", text)
		}
	}()
	lanehttp.Request(&http.Request{})
}

func TestSuperfluousWriteHeaderIsLogged(t *testing.T) {
	env := lanetest.New()
	do(t, lanetest.Get("/").In(env), func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(404)
		http.Error(w, "again", 500)
	})
	logs := env.Logs()
	if len(logs) != 1 || logs[0].Level != wasmlane.LevelWarn ||
		!strings.HasPrefix(logs[0].Text, "http: superfluous response.WriteHeader call from github.com/wasmlane/wasmlane/sdk/go/lanehttp_test.TestSuperfluous") ||
		!strings.Contains(logs[0].Text, "(lanehttp_test.go:") {
		t.Errorf("the log has %v", logs)
	}
}

func TestRefusedHeaderIsLogged(t *testing.T) {
	env := lanetest.New()
	res := do(t, lanetest.Get("/").In(env), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Bell", "\a")
		w.Header().Set("Server", "mine")
		w.Header().Set("X-Good", "1")
	})
	logs := env.Logs()
	if len(logs) != 1 || !strings.Contains(logs[0].Text, `"X-Bell"`) || len(res.Header) != 1 || res.Header.Get("X-Good") != "1" {
		t.Errorf("the log has %v, the header is %v", logs, res.Header)
	}
}

// What cannot be a whole answer is none.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  int    // of the answer
		panics  string // or the panic
	}{
		"short body": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "abc")
		}, 0, "declared a Content-Length of 5 and wrote 3 bytes"},
		"no body": {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "5") }, 500, ""},
		"large header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", strings.Repeat("a", 70_000))
			io.WriteString(w, "abc")
		}, 500, ""},
		"large body": {func(w http.ResponseWriter, r *http.Request) {
			var err error
			for part := strings.Repeat("a", 1<<20); err == nil; {
				_, err = io.WriteString(w, part)
			}
			if !errors.Is(err, wasmlane.ErrTooLarge) || r.Context().Err() == nil {
				panic(err)
			}
		}, 500, ""},
		"abort":         {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 0, "net/http: abort Handler"},
		"status 99":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(99) }, 0, "invalid WriteHeader code 99"},
		"status 600":    {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(600) }, 0, "outside 200 to 599"},
		"informational": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103) }, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var res *lanetest.Response
			text := func() (text string) {
				defer func() {
					if p := recover(); p != nil {
						text = fmt.Sprint(p)
					}
				}()
				res = do(t, lanetest.Get("/"), c.handler)
				return ""
			}()
			if c.panics == "" && text != "" || !strings.Contains(text, c.panics) {
				t.Fatalf("the panic is %q, want %q", text, c.panics)
			}
			if res != nil && res.Status != c.status {
				t.Errorf("status %d, want %d", res.Status, c.status)
			}
		})
	}
}

func TestStreaming(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		io.WriteString(w, "<html>")
		if err := http.NewResponseController(w).Flush(); err != nil {
			fmt.Fprint(w, err)
		}
		w.Header().Set("X-B", "1")
		io.WriteString(w, "a")
		io.WriteString(w, "b")
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		io.WriteString(w, "c")
	}
	res := lanetest.Get("/").Do(t, func() { lanehttp.HandleStreaming(http.HandlerFunc(handler)) })
	if got := fmt.Sprintf("%s", res.Chunks); got != "[<html> ab c]" {
		t.Errorf("the chunks are %s", got)
	}
	if got := fmt.Sprint(res.Header); got != "map[Content-Type:[text/html; charset=utf-8] X-A:[1]]" {
		t.Errorf("the header is %s", got)
	}
	res = lanetest.Get("/").Do(t, func() {
		lanehttp.HandleStreaming(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); io.WriteString(w, "<html>") }))
	})
	if res.Text() != "<html>" || len(res.Header) != 0 {
		t.Errorf("flushed first: %q, header %v", res.Text(), res.Header)
	}
	res = do(t, lanetest.Get("/"), handler)
	if res.Chunks != nil || res.Text() != "<html>feature not supportedabc" {
		t.Errorf("without streaming: %q", res.Text())
	}
}

// The host holds the whole answer, so that no handler must know its length.
func TestHead(t *testing.T) {
	res := do(t, lanetest.NewRequest("HEAD", "/", ""), func(w http.ResponseWriter, r *http.Request) {
		n, err := io.WriteString(w, "<html>")
		if n != 6 || err != nil {
			t.Errorf("Write gives %d, %v", n, err)
		}
	})
	if res.Status != 200 || len(res.Body) != 0 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %d %q %v", res.Status, res.Body, res.Header)
	}
}
