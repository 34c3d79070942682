package host

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/call"
)

// Redirects of outbound calls, by real servers on the loopback interface.

// TestRedirects: a plugin that may follow redirects gets the answer at their end,
// and what it is not granted stays out of reach.
func TestRedirects(t *testing.T) {
	var first, second atomic.Value // what each server was asked last
	var outside atomic.Int64       // requests to where nobody is granted
	mirror := func(v *atomic.Value, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v.Store(fmt.Sprintf("%s %s %q auth=%q cookie=%q type=%q own=%q", r.Method, r.RequestURI, body,
			r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Content-Type"), r.Header.Get("X-Own")))
	}
	other := remote(t, func(w http.ResponseWriter, r *http.Request) {
		mirror(&second, r)
		fmt.Fprint(w, "other")
	})
	secret := remote(t, func(w http.ResponseWriter, _ *http.Request) { outside.Add(1) })
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	hop := strings.Repeat("x", 400)
	origin := remote(t, func(w http.ResponseWriter, r *http.Request) {
		mirror(&first, r)
		to := map[string]string{
			"/there": "/end?a=b#part", "/relative/x": "y", "/other": other + "/end", "/secret": secret + "/", "/again": "/again",
			"/up": strings.Replace(secure.URL, "https", "http", 1), "/user": strings.Replace(other, "http://", "http://u:p@", 1) + "/",
			"/name": "http://inside.test" + other[strings.LastIndexByte(other, ':'):] + "/end", "/file": "file:///etc/passwd", "/nonsense": "http://[",
			"/localhost": "http://localhost.:1/", "/numeric": "http://2130706433/",
		}[r.URL.Path]
		switch {
		case r.URL.Path == "/none":
			w.WriteHeader(302)
		case r.URL.Path == "/large" || r.URL.Path == "/large2":
			w.Header().Set("Location", r.URL.Path+"2")
			w.WriteHeader(302)
			fmt.Fprint(w, hop)
		case r.URL.Path == "/large22":
			fmt.Fprint(w, hop)
		case r.URL.Path == "/slow":
			time.Sleep(100 * time.Millisecond)
			w.Header().Set("Location", "/slow")
			w.WriteHeader(302)
		case to != "":
			w.Header().Set("Location", to)
			status := 302
			fmt.Sscan(r.URL.Query().Get("status"), &status)
			w.WriteHeader(status)
		default:
			fmt.Fprint(w, "end")
		}
	})
	const head = "Authorization: Bearer hunter2\nCookie: a=b\nContent-Type: text/x\nX-Own: o\n"
	front := newGuest()
	for handler, request := range map[string]string{
		"there": "GET /there\n" + head, "relative": "GET /relative/x\n", "other": "POST /other?status=307\n" + head, "post": "POST /there\n" + head,
		"moved": "POST /there?status=308\n" + head, "none": "GET /none\n",
	} {
		front.on(handler, front.calls(origin, request, "the body"), front.relay())
	}
	codes := map[string]int32{
		"secret": -3, "up": -3, "user": -3, "file": -3, "localhost": -3, "numeric": -3, "name": -3,
		"nonsense": -5, "again": -5, "large": -6,
	}
	for handler := range codes {
		front.on(handler, front.tell(front.get("call", origin, "GET /"+handler+"\n", "")))
	}
	front.on("slow", front.tell(front.get("call", origin, "GET /slow\n", "")))
	bare := newGuest()
	bare.on("there", bare.calls(origin, "GET /there\n", ""), bare.relay())
	bare.on("service", bare.calls("ext", "GET /there\n", ""), bare.relay())
	r := prepare(t, setup{
		keys: fmt.Sprintf(`
			server.max_response = 1000
			plugin.front.outbound = [%q, %q, "http://inside.test%s"]
			plugin.front.redirects = 3
			plugin.bare.outbound = [%q]
			plugin.bare.calls = ["ext"]
			service.ext.targets = [%q]`, origin, other, other[strings.LastIndexByte(other, ':'):], origin, origin),
		guests: map[string]*guest{"front": front, "bare": bare},
		routes: `GET /hurry front.slow timeout = "250ms"`,
	})
	r.open()
	r.builder.Client.Close()
	r.builder.Client = call.New(call.Options{MaxResponse: 1000, Resolver: insideResolver(t)})
	r.run()

	const all = `auth="Bearer hunter2" cookie="a=b" type="text/x" own="o"`
	for _, c := range []struct {
		path, body string
		asked      *atomic.Value
		want       string
	}{
		{"/front/there", "end", &first, `GET /end?a=b "the body" ` + all},
		{"/front/relative", "end", &first, `GET /relative/y "the body" auth="" cookie="" type="" own=""`},
		{"/front/post", "end", &first, `GET /end?a=b "" auth="Bearer hunter2" cookie="a=b" type="" own="o"`},
		{"/front/moved", "end", &first, `POST /end?a=b "the body" ` + all},
		{"/front/other", "other", &second, `POST /end "the body" auth="" cookie="" type="text/x" own="o"`},
	} {
		a := r.get(c.path)
		if a.status != 200 || a.body != c.body || c.asked.Load() != c.want {
			t.Errorf("%s got %v; the last server was asked %v, want %s", c.path, a, c.asked.Load(), c.want)
		}
	}
	// Without redirects, and from a service, the plugin gets the redirect itself.
	for _, path := range []string{"/bare/there", "/bare/service", "/front/none"} {
		if a := r.get(path); a.status != 302 {
			t.Errorf("%s got %v, want the redirect", path, a)
		}
	}
	for handler, want := range codes {
		a := r.get("/front/" + handler)
		if n := a.numbers(); len(n) != 1 || n[0] != want {
			t.Errorf("%s is %v, want %d", handler, a, want)
		}
		r.logged("call failed", "request_id", a.header.Get("X-Request-Id"), "handler", handler, "target", "http://")
	}
	r.logged("call failed", "handler", "secret", "error", "add it to outbound of [plugin.front]")
	r.logged("call failed", "handler", "again", "error", "more than 3 times; raise redirects of [plugin.front]")
	if n := outside.Load(); n != 0 {
		t.Errorf("%d requests went to where none may", n)
	}
	// One deadline for all hops together.
	if a := r.get("/hurry"); a.status != 504 && a.body != "\xfc\xff\xff\xff" {
		t.Errorf("redirects past the deadline got %v", a)
	}
	if strings.Contains(r.logs.String(), "u:p@") {
		t.Error("the log quotes a URL with a password")
	}
}

// insideResolver says that every name is 127.0.0.1.
func insideResolver(t *testing.T) *net.Resolver {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			out := append([]byte(nil), buf[:n]...) // the question, and what stands after it
			end := 12
			for out[end] != 0 {
				end += 1 + int(out[end])
			}
			end += 5
			out = out[:end]
			isA := binary.BigEndian.Uint16(out[end-4:]) == 1
			binary.BigEndian.PutUint16(out[2:], 0x8180)
			copy(out[6:12], make([]byte, 6))
			if isA {
				out[7] = 1
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
			}
			_, _ = server.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}
