package host

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/dashboard"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// goroutinesIn counts those that run code of a package.
func goroutinesIn(name string) int {
	buf := make([]byte, 1<<20)
	n := 0
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, name) {
			n++
		}
	}
	return n
}

// TestViewersComeAndGo: as many as there may be, and not one more; who leaves makes room,
// however it leaves, and takes its goroutine along.
func TestViewersComeAndGo(t *testing.T) {
	r := start(t, setup{keys: openAdmin, guests: map[string]*guest{"a": says("a")}})
	feed := r.feed.Load()
	var viewers []*viewer
	for range dashboard.MaxViewers {
		viewers = append(viewers, r.view(""))
	}
	if a := r.admin("GET", "/events"); a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "too many viewers") {
		t.Errorf("one too many got %v", a)
	}
	for i, v := range viewers {
		switch i % 3 {
		case 0:
			_ = v.Close()
		case 1:
			_ = v.Conn.(*net.TCPConn).SetLinger(0) // a reset
			_ = v.Close()
		case 2:
			_ = v.Conn.(*net.TCPConn).CloseWrite()
		}
	}
	r.until("room", func() bool { return feed.Viewers() == 0 && goroutinesIn("dashboard.(*stream)") == 0 })
	var names []string
	r.view("").next("fields", &names)
}

// TestViewersHammer: many at once, that read, leave at once, or stop in the middle.
func TestViewersHammer(t *testing.T) {
	r := start(t, setup{keys: openAdmin, guests: map[string]*guest{"a": says("a")}})
	addr := r.adminAddr()
	var clients sync.WaitGroup
	for i := range 60 {
		clients.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
			if i%2 == 0 {
				_ = c.SetReadDeadline(time.Now().Add(time.Duration(i) * 20 * time.Millisecond))
				_, _ = io.Copy(io.Discard, c)
			}
		})
	}
	clients.Wait()
	r.until("no viewer", func() bool { return r.feed.Load().Viewers() == 0 && goroutinesIn("dashboard.(*stream)") == 0 })
}

// TestEventsEndWithTheHost: viewers see the drain, and then the end; they hold up
// nothing.
func TestEventsEndWithTheHost(t *testing.T) {
	g := newGuest()
	g.on("hold", g.until("go"), g.do("write", "done"))
	r := start(t, setup{keys: openAdmin + "server.drain = \"1h\"\nplugin.a.store = \"a\"\nplugin.a.timeout = \"60s\"", guests: map[string]*guest{"a": g}})
	feed := r.feed.Load()
	v := r.view("")
	answer := r.later("/a/hold")
	r.inside("a", 1)
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	var document struct{ Draining bool }
	for !document.Draining {
		v.next("host", &document)
	}
	r.set("a", "go")
	if a := wait(t, answer); a.body != "done" {
		t.Errorf("the request got %v", a)
	}
	if _, err := io.Copy(io.Discard, v.lines); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
	if err := wait(t, stopped); err != nil {
		t.Error(err)
	}
	r.until("the end of all", func() bool { return feed.Viewers() == 0 && goroutinesIn("internal/dashboard.") == 0 })
}

// TestStalledViewer: one that does not read is cut off, and what it leaves unread is
// seen at its connection.
func TestStalledViewer(t *testing.T) {
	var large atomic.Int64
	feed := dashboard.New(dashboard.Options{
		Sample: func() dashboard.Sample { return dashboard.Sample{} },
		Documents: []dashboard.Document{{Name: "large", Make: func() any {
			return strings.Repeat(fmt.Sprint(large.Add(1)%10), 16<<20) // more than any socket holds
		}}},
	})
	defer feed.Close()
	var unsent atomic.Int64
	settings := config.Defaults().Server
	settings.Listen, settings.WriteTimeout = "127.0.0.1:0", 2*time.Second
	s, err := server.New(server.Options{
		Config: settings,
		Handler: func(ctx *fasthttp.RequestCtx) {
			c := server.ConnOf(ctx.Conn())
			feed.Serve(ctx, c)
			go func() {
				for feed.Viewers() > 0 {
					unsent.Store(max(unsent.Load(), int64(c.Unsent())))
					time.Sleep(5 * time.Millisecond)
				}
			}()
		},
		Error: func(*fasthttp.RequestCtx, int, string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	go feed.Run()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if large.Load() > 0 && feed.Viewers() == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it is not cut off")
		}
	}
	if runtime.GOOS == "linux" && unsent.Load() <= 0 {
		t.Error("nothing was seen of what it does not read")
	}
	feed.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := wait(t, served); err != nil {
		t.Error(err)
	}
}
