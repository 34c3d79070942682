package host

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Request bodies: read whole before an instance is taken, within max_body and
// read_timeout.

// mirror is a guest that tells body_size and then writes the body back, read in
// pieces.
func mirror() *guest {
	g := newGuest()
	at := g.place(make([]byte, 5000))
	size := g.place(make([]byte, 8))
	g.on("body",
		wasmtest.I32Const(int32(size)), g.get("body_size"), []byte{0x37, 3, 0}, // i64.store
		g.do("write", size, 8),
		wasmtest.Loop(
			g.get("body", at, 5000), wasmtest.LocalSet(0),
			g.do("write", at, wasmtest.LocalGet(0)),
			wasmtest.LocalGet(0), wasmtest.BrIf(0)))
	return g
}

// post is a request with an announced body.
func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// chunked is a request with a body in pieces.
func chunked(path string, pieces ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path)
	for _, p := range pieces {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(p), p)
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

func TestBodyArrivesWhole(t *testing.T) {
	r := start(t, setup{guests: map[string]*guest{"a": mirror()}})
	c := r.dial() // all over one connection: nothing of a body is left for the next request
	long := strings.Repeat("0123456789abcdef", 20_000)
	for name, s := range map[string]struct {
		text string
		size int32
		body string
	}{
		"none":                {"GET /a/body HTTP/1.1\r\nHost: a\r\n\r\n", 0, ""},
		"empty":               {post("/a/body", ""), 0, ""},
		"short":               {post("/a/body", "hello"), 5, "hello"},
		"long":                {post("/a/body", long), int32(len(long)), long},
		"chunked":             {chunked("/a/body", "hello, ", "world"), -1, "hello, world"},
		"chunked and empty":   {chunked("/a/body"), -1, ""},
		"chunked and long":    {chunked("/a/body", long[:100_000], long[100_000:]), -1, long},
		"with an extension":   {"POST /a/body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n", -1, "ok"},
		"a form is not taken": {"POST /a/body HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n\r\n--x--", 5, "--x--"},
	} {
		go c.send(s.text) // the answer begins before a long body is sent
		a := c.answer("POST")
		if a.status != 200 || len(a.body) < 8 || a.numbers()[0] != s.size || a.body[8:] != s.body {
			t.Errorf("%s: got %d with %d bytes, want body_size %d and %d bytes", name, a.status, len(a.body), s.size, len(s.body))
		}
	}
}

// TestRefusedUploadIsTold: a client sees the answer although it is still sending,
// or has sent all before it reads.
func TestRefusedUploadIsTold(t *testing.T) {
	r := start(t, setup{keys: "server.max_body = 1000", guests: map[string]*guest{"a": mirror()}})
	for _, path := range []string{"/a/body", "/none"} {
		want := map[string]int{"/a/body": 413, "/none": 404}[path]

		c := r.dial()
		c.send(post(path, strings.Repeat("x", 200<<10)))
		if a := c.answer("POST"); a.status != want {
			t.Errorf("%s: who has sent 200 KiB got %v", path, a)
		}

		c = r.dial()
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", path, 64<<20)
			piece := strings.Repeat("x", 64<<10)
			for _, err := c.Write([]byte(head)); err == nil; {
				_, err = c.Write([]byte(piece)) // until the host closes
			}
		}()
		if a := c.answer("POST"); a.status != want || !a.close {
			t.Errorf("%s: who goes on sending got %v", path, a)
		}
		wait(t, stop)
	}

	// A small body that nobody read does not end the connection, nor is it taken
	// for the next request.
	c := r.dial()
	c.send(post("/none", "GET /a/body HTTP/1.1\r\nHost: a\r\n\r\n") + post("/a/body", "next"))
	if a := c.answer("POST"); a.status != 404 || a.close {
		t.Errorf("got %v", a)
	}
	if a := c.answer("POST"); a.status != 200 || a.body[8:] != "next" {
		t.Errorf("the next request got %v", a)
	}
}

// TestSlowUploadHoldsNoInstance: others are served while a body comes in.
func TestSlowUploadHoldsNoInstance(t *testing.T) {
	r := start(t, setup{
		keys:   "plugin.a.instances = 1\nplugin.a.queue = \"0s\"\nserver.read_timeout = \"60s\"",
		guests: map[string]*guest{"a": mirror()},
	})
	c := r.dial()
	body := strings.Repeat("slow and steady ", 5000)
	text := post("/a/body", body)
	c.send(text[:len(text)-5])
	r.until("the upload inside", func() bool { return r.inFlight.Load() == 1 })
	for range 10 {
		if a := r.ask("POST", "/a/body", "quick"); a.status != 200 {
			t.Fatalf("got %v", a)
		}
	}
	if n := r.pool("a").InUse; n != 0 {
		t.Errorf("%d instances are in use", n)
	}
	c.send(text[len(text)-5:])
	if a := c.answer("POST"); a.status != 200 || a.body[8:] != body {
		t.Errorf("the upload got %d with %d bytes", a.status, len(a.body))
	}
}

// TestBodyEndsEarly: a body that does not come, or is not well-formed, runs no
// guest.
func TestBodyEndsEarly(t *testing.T) {
	g := newGuest()
	g.on("get", g.kvSet("ran", "1"))
	const keys = "plugin.a.store = \"a\"\n"
	guests := map[string]*guest{"a": g}
	r := start(t, setup{keys: keys, guests: guests})
	short := start(t, setup{keys: keys + "server.read_timeout = \"300ms\"", guests: guests})
	text, pieces := post("/a/get", "hello"), chunked("/a/get", "hello")
	for name, c := range map[string]struct {
		text   string
		end    bool // the client ends its sending side
		status int
	}{
		"stands still":             {text[:len(text)-1], false, 408},
		"chunked and stands still": {pieces[:len(pieces)-8], false, 408},
		"cut off":                  {text[:len(text)-1], true, 400},
		"chunked and cut off":      {pieces[:len(pieces)-5], true, 400},
		"bad chunk":                {strings.Replace(pieces, "5\r\n", "five\r\n", 1), false, 400},
		"negative chunk":           {strings.Replace(pieces, "5\r\n", "-5\r\n", 1), false, 400},
		"huge chunk":               {strings.Replace(pieces, "5\r\n", "ffffffffffffffff\r\n", 1), false, 400},
		"chunk without end":        {strings.Replace(pieces, "hello\r\n", "hello!!", 1), false, 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.in(t)
			if c.status == 408 {
				r = short.in(t)
			}
			peer := r.dial()
			peer.send(c.text)
			if c.end {
				if err := peer.Conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			a := peer.answer("POST")
			id := r.refused(a, c.status, "")
			if !a.close {
				t.Error("the connection stays open")
			}
			peer.ended()
			r.access(id, c.status)
		})
	}
	if r.has("a", "ran") || short.has("a", "ran") {
		t.Error("the guest ran")
	}
}

// TestExpectContinue: a body that would be refused is not asked for.
func TestExpectContinue(t *testing.T) {
	r := start(t, setup{keys: "server.max_body = 1000", guests: map[string]*guest{"a": mirror()}})
	head := "POST /a/body HTTP/1.1\r\nHost: a\r\nExpect: %s\r\nContent-Length: %d\r\n\r\n"

	c := r.dial()
	c.send(fmt.Sprintf(head, "100-continue", 5))
	if a := c.answer("POST"); a.status != 100 {
		t.Fatalf("got %v", a)
	}
	c.send("hello")
	if a := c.answer("POST"); a.status != 200 || a.body[8:] != "hello" {
		t.Errorf("got %v", a)
	}

	r.refused(r.once("POST", fmt.Sprintf(head, "100-continue", 1001)), 413, "max_body")
	r.refused(r.once("POST", fmt.Sprintf(head, "something", 5)+"hello"), 417, "100-continue")
}
