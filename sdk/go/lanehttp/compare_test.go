package lanehttp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// exchange is a request, and a handler that must answer it here as it does in
// net/http's server.
type exchange struct {
	name    string
	method  string // "" is GET
	target  string // "" is /
	body    string
	header  http.Header
	handler http.HandlerFunc
}

func mux() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Pattern, r.PathValue("id"), r.PathValue("none"))
	})
	m.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201) })
	m.HandleFunc("/dir/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	m.Handle("/old", http.RedirectHandler("/new?x=1", http.StatusMovedPermanently))
	m.Handle("/strip/", http.StripPrefix("/strip", http.HandlerFunc(echo)))
	m.Handle("/files/", http.StripPrefix("/files", http.FileServerFS(fstest.MapFS{
		"a.txt":      {Data: []byte("0123456789"), ModTime: time.Unix(1e9, 0)},
		"page.html":  {Data: []byte("<html></html>")},
		"sub/b.json": {Data: []byte("{}")},
	})))
	m.Handle("/slow", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		select {} // or, where both have come, it is by chance whether it was too slow
	}), time.Millisecond, "too slow"))
	m.Handle("/quick", http.TimeoutHandler(http.HandlerFunc(echo), time.Minute, "too slow"))
	return m
}

// echo writes what it sees of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Header.Del("User-Agent") // the client's
	r.Header.Del("Accept-Encoding")
	fmt.Fprintf(w, "%s %s %s %d.%d\n%v %q\n%q %q %q\n%v %d %v\n%q %v",
		r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor, r.URL, r.URL.RawPath,
		r.URL.Path, r.URL.RawQuery, r.Host, r.Header, r.ContentLength, r.TransferEncoding, body, err)
}

func writes(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, p := range parts {
			io.WriteString(w, p)
		}
	}
}

func exchanges() []exchange {
	m := mux().ServeHTTP
	list := []exchange{
		{name: "nothing", handler: writes()},
		{name: "text", handler: writes("hello")},
		{name: "empty write", handler: func(w http.ResponseWriter, r *http.Request) {
			n, err := w.Write(nil)
			w.Header().Set("X-Late", fmt.Sprint(n, err))
		}},
		{name: "html", handler: writes("<!DOCTYPE html><p>")},
		{name: "html in parts", handler: writes("  <", "ht", "ml>", "<p>")},
		{name: "binary", handler: writes("\x00\x01\x02")},
		{name: "png after a long part", handler: writes(strings.Repeat("a", 600), "\x00")},
		{name: "long", handler: writes("a", strings.Repeat("b", 5000), strings.Repeat("c", 100_000))},
		{name: "type given", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("content-type", "application/x-own")
			io.WriteString(w, "<html>")
		}},
		{name: "type switched off", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "<html>")
		}},
		{name: "encoded", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "<html>")
		}},
		{name: "header after WriteHeader", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", "1")
			w.WriteHeader(202)
			w.Header().Set("X-A", "2")
			w.Header().Set("X-B", "1")
			io.WriteString(w, w.Header().Get("X-A"))
		}},
		{name: "header after Write", handler: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.Header().Set("X-A", "1")
		}},
		{name: "header without Write", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", "1")
		}},
		{name: "many values", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header()["X-Many"] = []string{"1", "", " 3 ", "4\r\nX-Evil: 5"}
			w.Header()["bad name"] = []string{"1"}
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		}},
		{name: "superfluous", handler: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			w.WriteHeader(200)
		}},
		{name: "no content", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/x")
			w.WriteHeader(204)
			_, err := io.WriteString(w, "x")
			if err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}},
		{name: "not modified", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/x")
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(304)
		}},
		{name: "length declared", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
			if _, err := io.WriteString(w, "d"); err != http.ErrContentLength {
				panic(err)
			}
		}, body: "x"},
		{name: "length malformed", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "x")
			io.WriteString(w, "abc")
		}},
		{name: "error", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			http.Error(w, "teapot", http.StatusTeapot)
		}},
		{name: "not found", handler: http.NotFound},
		{name: "hop by hop", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		}},
		{name: "head", method: "HEAD", handler: writes("<html>")},
		{name: "head with a length", method: "HEAD", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "7")
		}},
		{name: "string writer", handler: func(w http.ResponseWriter, r *http.Request) {
			_, ok := w.(io.StringWriter)
			fmt.Fprint(w, ok)
		}},
		{name: "max bytes", method: "POST", body: "0123456789", handler: func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4))
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			}
		}},
		{name: "form", method: "POST", target: "/?a=1&b=2", body: "a=3&c=%20",
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			handler: func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, r.FormValue("a"), r.PostFormValue("c"), r.Form)
			}},
		{name: "multipart", method: "POST", body: "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nhi\r\n--b--\r\n",
			header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}},
			handler: func(w http.ResponseWriter, r *http.Request) {
				f, h, err := r.FormFile("f")
				if err != nil {
					panic(err)
				}
				text, _ := io.ReadAll(f)
				fmt.Fprintf(w, "%s %s %d", text, h.Filename, h.Size)
			}},
		{name: "read after close", method: "POST", body: "0123456789", handler: func(w http.ResponseWriter, r *http.Request) {
			r.Body.Close()
			_, err := r.Body.Read(make([]byte, 1))
			fmt.Fprint(w, err)
		}},
		{name: "cookies and auth", header: http.Header{"Cookie": {"a=1; b=2"}, "Authorization": {"Basic YTpi"}},
			handler: func(w http.ResponseWriter, r *http.Request) {
				user, password, ok := r.BasicAuth()
				fmt.Fprint(w, r.Cookies(), user, password, ok)
			}},
		{name: "context", handler: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Context().Err())
		}},
		{name: "echo", method: "PUT", target: "/a%20b/c%2Fd?x=1&y=%20", body: "body",
			header: http.Header{"X-Many": {"1", "2"}, "Accept": {"*/*"}}, handler: echo},
		{name: "echo get", target: "/?", handler: echo},
		{name: "range", target: "/files/a.txt", header: http.Header{"Range": {"bytes=2-5"}}, handler: m},
		{name: "not modified since", target: "/files/a.txt",
			header: http.Header{"If-Modified-Since": {time.Unix(1e9, 0).UTC().Format(http.TimeFormat)}}, handler: m},
	}
	for _, target := range []string{"/users/a%2Fb", "/users", "/dir", "/dir//x/../y", "/dir/x", "/old", "/nowhere",
		"/strip/x?y", "/files/a.txt", "/files/page.html", "/files/sub/b.json", "/files/", "/files/sub", "/slow", "/quick"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			list = append(list, exchange{name: "mux " + method + " " + target, method: method, target: target, handler: m})
		}
	}
	return list
}

// A handler's answer is the one that it gives in net/http's server.
func TestLikeNetHTTP(t *testing.T) {
	for _, x := range exchanges() {
		t.Run(strings.ReplaceAll(x.name, "/", "|"), func(t *testing.T) {
			server := httptest.NewUnstartedServer(x.handler)
			server.Config.ErrorLog = discard
			server.Start()
			defer server.Close()
			if x.method == "" {
				x.method = "GET"
			}
			if x.target == "" {
				x.target = "/"
			}
			want := ask(t, server, x)
			req := lanetest.NewRequest(x.method, x.target, x.body).Host(server.Listener.Addr().String())
			for name, values := range x.header {
				for _, v := range values {
					req.Header(name, v)
				}
			}
			if x.method == "POST" && x.body == "" {
				req.Header("Content-Length", "0") // as the client does
			}
			got := req.Do(t, func() { lanehttp.Handle(x.handler) })
			if got.Status != want.StatusCode {
				t.Errorf("status %d, want %d", got.Status, want.StatusCode)
			}
			body, err := io.ReadAll(want.Body)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Body, body) {
				t.Errorf("body\n%.500q, want\n%.500q", got.Body, body)
			}
			for _, hosts := range []string{"Date", "Content-Length", "Connection"} {
				want.Header.Del(hosts)
			}
			if !reflect.DeepEqual(got.Header, want.Header) {
				t.Errorf("header\n%v, want\n%v", got.Header, want.Header)
			}
		})
	}
}

// ask sends the request to net/http's server.
func ask(t *testing.T, server *httptest.Server, x exchange) *http.Response {
	t.Helper()
	req, err := http.NewRequest(x.method, server.URL+x.target, strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = x.header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header["User-Agent"] = nil
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req) // which follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}
