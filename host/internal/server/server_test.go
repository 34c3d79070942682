package server

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestPanicIsAnswered(t *testing.T) {
	o := options()
	log := captureLog(&o)
	o.Handler = func(*fasthttp.RequestCtx) { panic("the secret reason") }
	s := start(t, o)
	c := s.dial()
	a := c.get()
	a.refused(t, 500, "internal error")
	if strings.Contains(a.text, "secret") {
		t.Errorf("the client sees the panic: %s", a.text)
	}
	if !strings.Contains(log.String(), "the secret reason") || !strings.Contains(log.String(), "server_test.go") {
		t.Errorf("the log lacks the panic or its stack:\n%s", log)
	}
	c.ended()
}

func TestHeadTooLarge(t *testing.T) {
	s := start(t, options())
	for name, request := range map[string]string{
		"one endless header": "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 5000),
		"endless headers":    "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 1000),
		"endless target":     "GET /" + strings.Repeat("x", 5000),
		"endless first line": strings.Repeat("x", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			c := s.dial()
			c.send(request)
			c.answer("GET").refused(t, 431, "server.http_buffer_size, 4096 bytes")
			c.ended()
		})
	}
}

// TestBufferSize: it is the limit of the head, and the library's own.
func TestBufferSize(t *testing.T) {
	for _, size := range []int{1024, 16384} {
		o := options()
		o.Config.HTTPBufferSize = size
		s := start(t, o)
		if s.http.WriteBufferSize != size {
			t.Errorf("the library writes with %d bytes, want %d", s.http.WriteBufferSize, size)
		}
		c := s.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size-200) + "\r\n\r\n")
		if a := c.answer("GET"); a.StatusCode != 200 {
			t.Errorf("%d: got %d for a head that fits", size, a.StatusCode)
		}
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size) + "\r\n\r\n")
		if a := c.answer("GET"); a.StatusCode != 431 {
			t.Errorf("%d: got %d for a head that does not fit", size, a.StatusCode)
		}
	}
}

// TestNothingIsAdded: the library adds only what HTTP asks for.
func TestNothingIsAdded(t *testing.T) {
	o := options()
	s := start(t, o)
	a := s.dial().get()
	for _, name := range []string{"Date", "Content-Length"} {
		if a.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
		a.Header.Del(name)
	}
	if len(a.Header) > 0 {
		t.Errorf("headers %v", a.Header)
	}
	if !s.http.SecureErrorLogMessage {
		t.Error("errors of the library quote the request")
	}
}

// TestLibraryLogHidesRequests: what the library says of a broken request may
// quote it.
func TestLibraryLogHidesRequests(t *testing.T) {
	o := options()
	log := captureLog(&o)
	s := start(t, o)
	for _, head := range []string{"Authorization: sesame\x01", "sesame", " sesame: x", "X: y\r\nContent-Length: sesame", "sesame \x02: x"} {
		c := s.dial()
		c.send("GET /sesame\x01 HTTP/1.1\r\nHost: a\r\n\r\n")
		c.answer("GET")
		c = s.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\n" + head + "\r\n\r\n")
		if a := c.answer("GET"); a.StatusCode != 400 || strings.Contains(a.text, "sesame") {
			t.Errorf("%q: %d %s", head, a.StatusCode, a.text)
		}
	}
	s.waitOpen(0)
	if !strings.Contains(log.String(), "error when serving connection") || strings.Contains(log.String(), "sesame") {
		t.Errorf("the log holds no error, or a part of the request:\n%s", log)
	}
}
