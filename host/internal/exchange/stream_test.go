package exchange

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// serving runs a real server whose handler begins an exchange and passes it on.
func serving(t *testing.T, handle func(x *Exchange)) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fasthttp.Server{
		StreamRequestBody:  true,
		MaxRequestBodySize: 1 << 20,
		ReadTimeout:        10 * time.Second,
		Logger:             log.New(io.Discard, "", 0),
		Handler: func(ctx *fasthttp.RequestCtx) {
			x := Acquire()
			if err := x.Begin(ctx, nil); err != nil {
				x.Fail(400, err.Error())
				x.Hangup()
				x.Release()
				return
			}
			x.Plugin = testPlugin(io.Discard)
			handle(x)
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ln); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return ln
}

func dial(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// do calls an import with a text in the guest's memory.
func do(x *Exchange, name, text string) int32 {
	mem := append([]byte(text), 0)
	stack := []uint64{0, uint64(len(text)), 0}
	Imports()[name](x, mem, stack)
	return int32(stack[0])
}

// streaming runs guest as a streaming one and releases the exchange at its end.
func streaming(x *Exchange, guest func() bool, ended func()) {
	end := func() {
		x.Release()
		ended()
	}
	if !x.RunStreaming(guest, end) {
		end()
	}
}

func TestStreamChunksArriveAsFlushed(t *testing.T) {
	step := make(chan struct{})
	ln := serving(t, func(x *Exchange) {
		streaming(x, func() bool {
			do(x, "write", "one ")
			do(x, "write", "uno")
			do(x, "flush", "")
			<-step
			do(x, "write", "two")
			do(x, "flush", "")
			<-step
			do(x, "write", "tail without a flush")
			return true
		}, func() {})
	})
	c := dial(t, ln)
	send(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("read %q, %v, want %q", got, err, want)
		}
	}
	read("one uno") // while the guest still runs
	step <- struct{}{}
	read("two")
	step <- struct{}{}
	rest, err := io.ReadAll(resp.Body)
	if string(rest) != "tail without a flush" || err != nil {
		t.Errorf("the end: %q, %v", rest, err)
	}
	if len(resp.TransferEncoding) != 1 || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("head: %v %v", resp.TransferEncoding, resp.Header)
	}
}

func TestStreamWithoutFlushIsBuffered(t *testing.T) {
	ln := serving(t, func(x *Exchange) {
		streaming(x, func() bool { do(x, "write", "plain"); return true }, func() {})
	})
	c := dial(t, ln)
	send(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.ContentLength != 5 {
		t.Fatalf("length %v, %v", resp, err)
	}
}

// A guest that fails after the head has gone: the client must be able to tell.
func TestStreamCut(t *testing.T) {
	ln := serving(t, func(x *Exchange) {
		streaming(x, func() bool {
			do(x, "write", "part")
			do(x, "flush", "")
			x.Fail(500, "has no effect any more")
			return false
		}, func() {})
	})
	c := dial(t, ln)
	send(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	raw, _ := io.ReadAll(c)
	if !bytes.Contains(raw, []byte("200 OK")) || !bytes.Contains(raw, []byte("4\r\npart\r\n")) {
		t.Errorf("sent: %q", raw)
	}
	if bytes.Contains(raw, []byte("0\r\n\r\n")) {
		t.Errorf("a broken stream ended as a whole one: %q", raw)
	}
}

// The handler may return only when the guest cannot touch the request any more.
func TestStreamCloseWaitsForTheGuest(t *testing.T) {
	var (
		guestEnded = make(chan struct{})
		allOver    = make(chan struct{})
	)
	ln := serving(t, func(x *Exchange) {
		streaming(x, func() bool {
			defer close(guestEnded)
			big := strings.Repeat("x", sendAt)
			do(x, "flush", "")
			for range 10_000 {
				if do(x, "write", big) < 0 || do(x, "flush", "") < 0 {
					return false
				}
			}
			t.Error("a stream to a client that left did not end")
			return true
		}, func() {
			select {
			case <-guestEnded:
			default:
				t.Error("the exchange ended before its guest")
			}
			close(allOver)
		})
	})
	c := dial(t, ln)
	send(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	<-allOver
}

func TestStreamHead(t *testing.T) {
	over := make(chan struct{})
	ln := serving(t, func(x *Exchange) {
		streaming(x, func() bool {
			do(x, "write", "x")
			for do(x, "flush", "") == 0 && do(x, "write", "x") == 0 {
			}
			return true
		}, func() { close(over) })
	})
	c := dial(t, ln)
	send(t, c, "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	raw, _ := io.ReadAll(c)
	if !bytes.HasSuffix(raw, []byte("\r\n\r\n")) {
		t.Errorf("HEAD was answered with a body: %q", raw)
	}
	<-over
}

// Many streams at once, with keep-alive, under the race detector.
func TestStreamsTogether(t *testing.T) {
	ln := serving(t, func(x *Exchange) {
		streaming(x, func() bool {
			name := string(x.Request.Query)
			for range 20 {
				do(x, "write", name)
				do(x, "flush", "")
			}
			return string(x.Request.Query) == name
		}, func() {})
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := dial(t, ln)
			r := bufio.NewReader(c)
			name := strings.Repeat(string(rune('a'+i)), 10)
			for range 10 {
				send(t, c, "GET /?"+name+" HTTP/1.1\r\nHost: h\r\n\r\n")
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil || string(body) != strings.Repeat(name, 20) {
					t.Errorf("%q, %v", body, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestStreamDeadline(t *testing.T) {
	codes := make(chan int32, 1)
	ln := serving(t, func(x *Exchange) {
		x.SetDeadline(time.Now().Add(100 * time.Millisecond))
		streaming(x, func() bool {
			big := strings.Repeat("x", sendAt)
			do(x, "flush", "")
			for {
				do(x, "write", big)
				if code := do(x, "flush", ""); code < 0 {
					codes <- code
					return false
				}
			}
		}, func() {})
	})
	c := dial(t, ln)
	send(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n") // and reads nothing
	if code := <-codes; code != -4 {
		t.Errorf("flush to a stuck client = %d, want TIMEOUT", code)
	}
}
