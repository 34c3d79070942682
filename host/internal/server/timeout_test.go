package server

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// short is a timeout that these tests wait for. Nothing fails when the machine is
// so slow that more time passes.
const short = 100 * time.Millisecond

func TestReadTimeout(t *testing.T) {
	for name, parts := range map[string][]string{
		"head without end": {"GET / HTTP/1.1\r\nHost: a\r\n", "X-1: y\r\n", "X-2: y\r\n"},
		"body without end": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", "x", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Config.ReadTimeout = short
			s := start(t, o)
			c := s.dial()
			// Sending on does not renew the deadline.
			go func() {
				for _, part := range parts {
					if _, err := io.WriteString(c.Conn, part); err != nil {
						return
					}
					time.Sleep(short / 4)
				}
			}()
			c.answer("GET").refused(t, 408, "server.read_timeout, 100ms")
			s.waitOpen(0)
		})
	}
}

// TestSilentConnection: who connects and says nothing is closed without a word.
func TestSilentConnection(t *testing.T) {
	o := options()
	o.Config.ReadTimeout = short
	s := start(t, o)
	s.dial().ended()
	s.waitOpen(0)
}

func TestIdleTimeout(t *testing.T) {
	o := options()
	o.Config.IdleTimeout = short
	s := start(t, o)
	c := s.dial()
	c.get()
	c.ended()
	s.waitOpen(0)
}

// answers serves one large response.
func answers(t *testing.T, size int, timeout time.Duration) *running {
	o := options()
	o.Config.WriteTimeout = timeout
	o.Handler = func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString(strings.Repeat("x", size)) }
	return start(t, o)
}

// TestStuckReader: a client that takes nothing is cut off.
func TestStuckReader(t *testing.T) {
	s := answers(t, upload, short)
	c := s.dial()
	c.send(simple)
	s.until("begin of the answer", func() bool { return s.Stats().BytesWritten > 0 })
	s.waitOpen(0)
	if n, err := io.Copy(io.Discard, c.r); err == nil && n >= upload {
		t.Errorf("got all of %d bytes", n)
	}
}

// TestSlowReader: a client that always takes a little is not, though the whole
// takes many times write_timeout.
func TestSlowReader(t *testing.T) {
	for range 5 {
		if slowReader(t) {
			return
		}
	}
	t.Skip("this machine stands still for so long, again and again, that every client looks stuck; run it with less load")
}

// slowReader reads a large response little by little. It reports false when the
// client itself was held up for as long as write_timeout.
func slowReader(t *testing.T) bool {
	const size = 12 << 20
	s := answers(t, size, short)
	c := s.dial()
	begin := time.Now()
	c.send(simple)
	last, pause := begin, time.Duration(0)
	for got, buf := 0, make([]byte, 128<<10); got < size; {
		n, err := c.Read(buf)
		pause, last = max(pause, time.Since(last)), time.Now()
		got += n
		if err != nil && pause >= short {
			return false
		}
		if err != nil {
			t.Fatalf("cut off after %d bytes and %v: %v", got, time.Since(begin), err)
		}
		time.Sleep(short / 10)
	}
	if took := time.Since(begin); took < 4*short {
		t.Errorf("the answer took %v: too fast to show anything", took)
	}
	return true
}

// TestSetWriteDeadline: a deadline set from outside ends a write that progresses.
func TestSetWriteDeadline(t *testing.T) {
	s, next := hold(t, options())
	client := s.dial()
	client.send(simple)
	h := next()
	if err := h.conn.SetWriteDeadline(time.Now().Add(short)); err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 1024)
		for {
			if _, err := client.Read(buf); err != nil {
				return
			}
		}
	}()
	begin, block := time.Now(), make([]byte, 64<<10)
	for {
		if _, err := h.conn.Write(block); err != nil {
			break
		}
		if time.Since(begin) > patience {
			t.Fatal("the deadline was forgotten")
		}
	}
	h.release()
}
