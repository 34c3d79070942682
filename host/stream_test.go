package host

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Responses that stream: what is flushed arrives, and what follows a flush that
// goes wrong can only be cut.

// streamer is a guest with handlers that flush. Keyspace "a" gates it.
func streamer() *guest {
	g := newGuest()
	flush := func() []byte { return g.do("flush") }
	write := func(s string) []byte { return g.do("write", s) }
	g.on("steps",
		g.do("status", 202), g.do("set_header", "x-step", "first"),
		write("one "), write("two "), flush(),
		g.until("go"),
		write("three "), flush(), write("four"))
	g.on("none", g.do("status", 203), write("not "), write("streamed"))
	g.on("empty", flush())
	g.on("late",
		flush(),
		g.tell(g.get("set_header", "x-late", "1")), g.tell(g.get("add_header", "x-late", "1")), g.tell(g.get("flush")))
	g.on("late_status", write("begun"), flush(), g.do("status", 500))
	g.on("trap", write("begun"), flush(), g.until("go"), wasmtest.Unreachable())
	g.on("trap_before", write("begun"), wasmtest.Unreachable())
	g.on("sleep", write("begun"), flush(), g.sleep(time.Hour))
	g.on("loop", write("begun"), flush(), wasmtest.Forever())
	g.on("endless", wasmtest.Loop(
		g.get("write", 0, 60_000), g.get("flush"), wasmtest.Op(i32Or),
		wasmtest.Op(i32Eqz), wasmtest.BrIf(0)))
	g.on("unflushed", flush(), wasmtest.Loop(
		g.get("write", 0, 60_000), wasmtest.LocalSet(0),
		wasmtest.LocalGet(1), wasmtest.I32Const(1), wasmtest.Op(i32Add), wasmtest.LocalSet(1),
		wasmtest.LocalGet(0), wasmtest.Op(i32Eqz),
		wasmtest.LocalGet(1), wasmtest.I32Const(50), wasmtest.Op(i32LtS), wasmtest.Op(i32And), wasmtest.BrIf(0)))
	g.on("pauses",
		write("one"), flush(), g.sleep(300*time.Millisecond), write("two"), flush(), g.sleep(300*time.Millisecond), write("three"))
	return g
}

const streamKeys = `
	plugin.a.store = "a"
	plugin.a.timeout = "60s"
`

func startStreams(t *testing.T, keys string) *rig {
	t.Helper()
	return start(t, setup{
		keys:   streamKeys + keys,
		guests: map[string]*guest{"a": streamer()},
		routes: `
			GET /short/sleep a.sleep timeout = "100ms"
			GET /short/loop a.loop timeout = "100ms"
			GET /short/endless a.endless timeout = "100ms"
			GET /off/endless a.endless timeout = "off"
			GET /off/pauses a.pauses timeout = "off"
			GET /off/loop a.loop timeout = "off"
			GET /off/sleep a.sleep timeout = "off"`,
	})
}

// TestStreamArrivesAsFlushed: before the guest goes on, the client has what was
// flushed. The connection then serves the next request.
func TestStreamArrivesAsFlushed(t *testing.T) {
	r := startStreams(t, "")
	c := r.dial()
	c.get("/a/steps", "X-Request-Id: the-stream\r\n")
	resp := c.head()
	if resp.StatusCode != 202 || resp.Header.Get("X-Step") != "first" || resp.Header.Get("X-Request-Id") != "the-stream" {
		t.Fatalf("the head is %d %v", resp.StatusCode, resp.Header)
	}
	c.read(resp.Body, "one two ")
	if n := r.pool("a").InUse; n != 1 {
		t.Fatalf("%d instances are in use while it streams", n)
	}
	r.set("a", "go")
	c.read(resp.Body, "three four")
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("the end is %d and %v", n, err)
	}
	if resp.TransferEncoding == nil || resp.TransferEncoding[0] != "chunked" {
		t.Errorf("the coding is %q", resp.TransferEncoding)
	}
	if entry := r.access("the-stream", 202); entry.text("bytes") != "18" || entry.text("handler") != "a.steps" {
		t.Errorf("the access line is %v", entry)
	}
	for range 3 {
		c.get("/a/steps", "")
		if a := c.answer("GET"); a.status != 202 || a.body != "one two three four" {
			t.Fatalf("the next request of the connection got %v", a)
		}
	}
}

// TestStreamUnused: a plugin that may flush and does not is answered like any
// other.
func TestStreamUnused(t *testing.T) {
	r := startStreams(t, "")
	if a := r.get("/a/none"); a.status != 203 || a.body != "not streamed" || a.header.Get("Content-Length") != "12" {
		t.Errorf("got %v", a)
	}
	id := r.refused(r.get("/a/trap_before"), 500, "the handler failed")
	r.logged("handler failed", "request_id", id, "wasm_stack", "")
	if a := r.get("/a/empty"); a.status != 200 || a.body != "" {
		t.Errorf("a flush of nothing got %v", a)
	}
}

// TestStreamHead: after a flush the head is gone. To change a header is INVALID,
// to set the status a trap.
func TestStreamHead(t *testing.T) {
	r := startStreams(t, "")
	a := r.get("/a/late")
	if n := a.numbers(); len(n) != 3 || n[0] != -2 || n[1] != -2 || n[2] != 0 || a.header.Get("X-Late") != "" {
		t.Errorf("got %v with %d", a, n)
	}
	_, err := r.try("GET", "/a/late_status", "")
	if err == nil {
		t.Error("a status after a flush did not cut the answer")
	}
	r.logged("handler failed", "handler", "late_status", "reason", "the head has been sent by flush")
}

// TestStreamBuffered: where nothing can stream, the answer is whole.
func TestStreamBuffered(t *testing.T) {
	r := startStreams(t, "server.max_response = 100000")
	r.set("a", "go")
	a := r.once("GET", "GET /a/steps HTTP/1.0\r\n\r\n")
	if a.status != 202 || a.body != "one two three four" || a.header.Get("Content-Length") != "18" || !a.close {
		t.Errorf("HTTP/1.0 got %v", a)
	}
	r.refused(r.once("GET", "GET /a/endless HTTP/1.0\r\n\r\n"), 500, "too large")

	c := r.dial()
	c.send("HEAD /a/steps HTTP/1.1\r\nHost: a\r\n\r\n")
	if a := c.answer("HEAD"); a.status != 202 || a.body != "" {
		t.Errorf("HEAD got %v", a)
	}
	c.get("/a/none", "")
	if a := c.answer("GET"); a.body != "not streamed" {
		t.Errorf("after a HEAD came %v", a)
	}
}

// TestStreamPastMaxResponse: max_response bounds what is buffered, not what
// streams.
func TestStreamPastMaxResponse(t *testing.T) {
	r := startStreams(t, "server.max_response = 1000")
	if a := r.get("/a/unflushed"); a.status != 200 || len(a.body) != 50*60_000 {
		t.Errorf("got %d with %d bytes", a.status, len(a.body))
	}
}

// TestStreamCut: a trap or deadline after the first flush ends the connection
// without a final chunk, and the log says why.
func TestStreamCut(t *testing.T) {
	r := startStreams(t, "")
	r.set("a", "go")
	for path, message := range map[string]string{
		"/a/trap":        "handler failed",
		"/short/sleep":   "deadline passed",
		"/short/loop":    "deadline passed",
		"/short/endless": "",
	} {
		t.Run(path, func(t *testing.T) {
			r := r.in(t)
			id := "cut" + strings.ReplaceAll(path, "/", "-")
			var resp *http.Response
			undisturbed(t, func() error {
				c := r.dial()
				c.get(path, "X-Request-Id: "+id+"\r\n")
				if resp = c.head(); resp.StatusCode != 200 {
					return fmt.Errorf("the status is %d", resp.StatusCode)
				}
				return nil
			})
			body, err := io.ReadAll(resp.Body)
			if err != io.ErrUnexpectedEOF {
				t.Errorf("the body ends with %v after %d bytes, want it cut", err, len(body))
			}
			if path != "/short/endless" && string(body) != "begun" {
				t.Errorf("got %q", body)
			}
			if message != "" {
				r.logged(message, "request_id", id, "plugin", "a")
			}
			r.inside("a", 0)
		})
	}
}

// TestStreamOutlastsWriteTimeout: each flush renews the deadline of writing.
func TestStreamOutlastsWriteTimeout(t *testing.T) {
	r := startStreams(t, `server.write_timeout = "100ms"`)
	undisturbed(t, func() error {
		begin := time.Now()
		a, err := r.try("GET", "/off/pauses", "")
		if took := time.Since(begin); err == nil && took < 500*time.Millisecond {
			t.Errorf("it took %v: too fast to show anything", took)
		}
		if a.body != "onetwothree" {
			return fmt.Errorf("got %v, %v", a, err)
		}
		return err
	})
}

// TestStreamToStuckReader: a client that takes nothing is cut off, and the guest
// ends.
func TestStreamToStuckReader(t *testing.T) {
	r := startStreams(t, `server.write_timeout = "100ms"`)
	c := r.dial()
	c.get("/off/endless", "X-Request-Id: stuck\r\n")
	resp := c.head()
	r.access("stuck", 200)
	r.idle()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("the answer has an end, after %d bytes", n)
	}
}

// TestStreamToSlowReader: a client that always takes a little is not cut off,
// though the whole takes many times write_timeout.
func TestStreamToSlowReader(t *testing.T) {
	const timeout = 200 * time.Millisecond
	for range 5 {
		r := startStreams(t, `server.write_timeout = "200ms"`)
		c := r.dial()
		begin, last, pause := time.Now(), time.Now(), time.Duration(0)
		c.get("/off/endless", "")
		buf := make([]byte, 64<<10)
		var err error
		for err == nil && time.Since(begin) < 6*timeout {
			_, err = c.r.Read(buf)
			pause, last = max(pause, time.Since(last)), time.Now()
			time.Sleep(timeout / 20)
		}
		_ = c.Close()
		r.idle()
		if err == nil {
			return
		}
		if pause < timeout/2 { // else this machine stood still
			t.Fatalf("cut off after %v: %v", time.Since(begin), err)
		}
	}
	t.Error("this machine stands still for so long, again and again, that every client looks stuck; run it with less load")
}

// TestStreamsAtOnce: many streams over few connections mix nothing up.
func TestStreamsAtOnce(t *testing.T) {
	r := startStreams(t, "")
	r.set("a", "go")
	r.client.Transport.(*http.Transport).MaxConnsPerHost = 8
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for _, path := range []string{"/a/steps", "/a/none", "/a/steps", "/a/late", "/a/steps"} {
				a, err := r.try("GET", path, "")
				if err != nil || (path == "/a/steps" && a.body != "one two three four") {
					t.Errorf("%s got %v and %v", path, a, err)
				}
			}
		})
	}
	all.Wait()
}
