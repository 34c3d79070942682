package wasmlane_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

func TestRequest(t *testing.T) {
	req := lanetest.NewRequest("PUT", "/a%20b/c%2Fd?x=1&x=%32+3&empty&bad=%zz&%78=4", "body").
		Param("name", "c/d").Header("Accept", "text/plain").Header("X-Many", "1").Header("x-many", "2").
		Host("example.com").Route("/a b/{name}").ID("id-1").RemoteAddr("192.0.2.1")
	req.Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		for _, c := range []struct{ what, got, want string }{
			{"Method", r.Method(), "PUT"},
			{"Path", r.Path(), "/a b/c/d"},
			{"RawQuery", r.RawQuery(), "x=1&x=%32+3&empty&bad=%zz&%78=4"},
			{"Target", r.Target(), "/a%20b/c%2Fd?x=1&x=%32+3&empty&bad=%zz&%78=4"},
			{"Host", r.Host(), "example.com"},
			{"Scheme", r.Scheme(), "http"},
			{"RemoteAddr", r.RemoteAddr(), "192.0.2.1"},
			{"Protocol", r.Protocol(), "HTTP/1.1"},
			{"Route", r.Route(), "/a b/{name}"},
			{"ID", r.ID(), "id-1"},
			{"Param", r.Param("name"), "c/d"},
			{"no Param", r.Param("other"), ""},
			{"LookupParam", fmt.Sprint(r.LookupParam("name")), "c/dtrue"},
			{"no LookupParam", fmt.Sprint(r.LookupParam("other")), "false"},
			{"Query", r.Query("x"), "1"},
			{"no Query", r.Query("y"), ""},
			{"bad escape", r.Query("bad"), "%zz"},
			{"QueryAll", fmt.Sprintf("%q", r.QueryAll("x")), `["1" "2 3" "4"]`},
			{"empty", fmt.Sprintf("%q", r.QueryAll("empty")), `[""]`},
			{"no QueryAll", fmt.Sprintf("%q", r.QueryAll("y")), `[]`},
			{"Header", r.Header("ACCEPT"), "text/plain"},
			{"no Header", r.Header("cookie"), ""},
			{"HeaderValues", fmt.Sprint(r.HeaderValues("X-Many")), "[1 2]"},
			{"HeaderNames", fmt.Sprint(r.HeaderNames()), "[host accept x-many content-length]"},
			{"BodySize", fmt.Sprint(r.BodySize()), "4"},
		} {
			if c.got != c.want {
				t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
			}
		}
		return nil
	}))
}

// Values around the size of the scratch buffer arrive whole.
func TestLongValues(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 4095, 4096, 4097, 100_000} {
		long := strings.Repeat("é", n)[:n]
		lanetest.Get("/").Param("p", long).Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
			if got := r.Param("p"); got != long {
				t.Errorf("%d bytes became %d", n, len(got))
			}
			return nil
		}))
	}
}

func TestBody(t *testing.T) {
	long := strings.Repeat("0123456789", 5000)
	for name, req := range map[string]*lanetest.Request{
		"none":    lanetest.Get("/"),
		"length":  lanetest.Post("/", long),
		"chunked": lanetest.Post("/", long).Chunked(),
	} {
		t.Run(name, func(t *testing.T) {
			want := long
			if name == "none" {
				want = ""
			}
			req.Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
				for range 2 { // the second time it is the same
					if body, err := r.Body(); err != nil || string(body) != want {
						t.Errorf("Body gives %d bytes, %v", len(body), err)
					}
				}
				if n, err := r.Read(make([]byte, 8)); n != 0 || err != io.EOF {
					t.Errorf("Read after Body gives %d, %v", n, err)
				}
				return nil
			}))
			req.Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
				if n, err := r.Read(nil); n != 0 || err != nil {
					t.Errorf("Read of nothing gives %d, %v", n, err)
				}
				head := make([]byte, min(3, len(want)))
				if _, err := io.ReadFull(r, head); err != nil {
					t.Error(err)
				}
				rest, err := r.Body()
				if err != nil || string(head)+string(rest) != want {
					t.Errorf("Body after Read gives %d bytes, %v", len(rest), err)
				}
				return nil
			}))
			req.Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
				if all, err := io.ReadAll(r); err != nil || string(all) != want {
					t.Errorf("io.ReadAll gives %d bytes, %v", len(all), err)
				}
				return nil
			}))
		})
	}
}

// Each file of testdata/json is a body; the one beside it holds the message that
// the client gets, or "ok".
func TestJSONMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/json/*.body")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, "body") + "want")
			if err != nil {
				t.Fatal(err)
			}
			res := lanetest.Post("/", string(body)).Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
				var v struct {
					Name  string   `json:"name"`
					Count int8     `json:"count"`
					Price float64  `json:"price"`
					Open  bool     `json:"open"`
					Tags  []string `json:"tags"`
					Owner struct {
						Email string `json:"email"`
					} `json:"owner"`
				}
				if err := r.JSON(&v); err != nil {
					return err
				}
				return w.JSON(200, map[string]string{"error": "ok"})
			}))
			var got struct{ Error string }
			res.JSON(&got)
			if got.Error != strings.TrimSpace(string(want)) {
				t.Errorf("got  %s\nwant %s", got.Error, want)
			}
			if (res.Status == 200) != (got.Error == "ok") || res.Status != 200 && res.Status != 400 {
				t.Errorf("status %d", res.Status)
			}
		})
	}
}

func TestJSONIntoNoPointerIsThePluginsFault(t *testing.T) {
	res := lanetest.Post("/", "{}").Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		return r.JSON(struct{}{})
	}))
	if res.Status != 500 {
		t.Errorf("status %d", res.Status)
	}
}

func TestPrepareJSON(t *testing.T) {
	type tree struct {
		Name string
		Sub  []*tree
	}
	for _, v := range []any{tree{}, &tree{}, nil, 1, "s", func() {}, map[string]any{}, json.RawMessage("x"), []tree{{}}} {
		if got := panics(func() { wasmlane.PrepareJSON(v) }); got != "" {
			t.Errorf("PrepareJSON(%T) panics: %s", v, got)
		}
	}
}

// A prepared type gets the same answer as one that is not.
func TestPreparedJSON(t *testing.T) {
	type prepared struct {
		Text  string
		Parts []float64
	}
	type other prepared
	wasmlane.PrepareJSON(prepared{})
	for _, v := range []prepared{{}, {"a<b", []float64{1, 2.5}}, {strings.Repeat("long ", 2000), make([]float64, 3000)}, {"", []float64{math.NaN()}}} {
		do := func(v any) *lanetest.Response {
			return lanetest.Get("/").Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error { return w.JSON(201, v) }))
		}
		got, want := do(v), do(other(v))
		if got.Status != want.Status || got.Status == 201 && got.Text() != want.Text() || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
			t.Errorf("prepared: %+v\nother: %+v", got, want)
		}
	}
}

func TestResponse(t *testing.T) {
	do := func(h wasmlane.Handler) *lanetest.Response { return lanetest.Get("/").Do(t, handle(h)) }

	res := do(func(w *wasmlane.Response, r *wasmlane.Request) error { return nil })
	if res.Status != 200 || len(res.Body) != 0 || len(res.Header) != 0 {
		t.Errorf("nothing: %+v", res)
	}
	res = do(func(w *wasmlane.Response, r *wasmlane.Request) error { return w.Text(201, "hé") })
	if res.Status != 201 || res.Text() != "hé" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("Text: %+v", res)
	}
	res = do(func(w *wasmlane.Response, r *wasmlane.Request) error { return w.NoContent() })
	if res.Status != 204 || len(res.Body) != 0 {
		t.Errorf("NoContent: %+v", res)
	}
	res = do(func(w *wasmlane.Response, r *wasmlane.Request) error { return w.JSON(202, []int{1, 2}) })
	if res.Status != 202 || res.Text() != "[1,2]\n" || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("JSON: %+v", res)
	}
	res = do(func(w *wasmlane.Response, r *wasmlane.Request) error { return w.JSON(200, func() {}) })
	if res.Status != 500 {
		t.Errorf("JSON of a func: %+v", res)
	}
	res = do(func(w *wasmlane.Response, r *wasmlane.Request) error {
		err := errors.Join(w.SetHeader("X-A", "1"), w.SetHeader("x-a", "2"), w.AddHeader("X-B", "1"), w.AddHeader("X-B", "2"))
		fmt.Fprintf(w, "%d", 1)
		w.Status(299)
		return err
	})
	if res.Status != 299 || res.Text() != "1" || fmt.Sprint(res.Header) != "map[X-A:[2] X-B:[1 2]]" {
		t.Errorf("headers: %+v", res)
	}
	res = do(func(w *wasmlane.Response, r *wasmlane.Request) error {
		w.WriteString("a")
		if err := wasmlane.Flush(w); err != nil {
			return err
		}
		w.WriteString("b")
		w.WriteString("c")
		if err := w.SetHeader("X-Late", "1"); !errors.Is(err, wasmlane.ErrInvalid) {
			t.Errorf("SetHeader after Flush: %v", err)
		}
		return nil
	})
	if got := fmt.Sprintf("%s", res.Chunks); got != "[a bc]" || res.Text() != "abc" {
		t.Errorf("Flush: %s %q", got, res.Body)
	}
}

// A handler's goroutines may ask the host at the same time.
func TestGoroutines(t *testing.T) {
	env := lanetest.New()
	res := lanetest.Get("/?a=1&b=2").Param("p", strings.Repeat("p", 700)).In(env).Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 50 {
					if r.Query("a") != "1" || r.Query("b") != "2" || len(r.Param("p")) != 700 {
						t.Error("a goroutine saw another one's value")
					}
					if _, err := wasmlane.KV.Add("sum", int64(i)); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		wg.Wait()
		sum, err := wasmlane.KV.Get("sum")
		if err != nil {
			return err
		}
		return w.Text(200, string(sum))
	}))
	if res.Text() != "1400" {
		t.Errorf("the sum is %s", res.Text())
	}
}

func TestHeaderNamesAreWhole(t *testing.T) {
	req := lanetest.Get("/")
	want := []string{"host"}
	for i := range 40 {
		name := fmt.Sprintf("x-%d", i)
		req.Header(name, "v").Header(name, "w")
		want = append(want, name)
	}
	req.Do(t, handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		if got := r.HeaderNames(); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		return nil
	}))
}
