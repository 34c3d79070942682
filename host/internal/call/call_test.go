package call

import (
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestRequest: what arrives is what was given, path and headers untouched.
func TestRequest(t *testing.T) {
	got := make(chan string, 1)
	s := serve(t, func(_ *script, c *peer, _ int64) {
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got <- string(buf[:n])
		c.send("HTTP/1.1 201 Made\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\nabc")
	})
	host := strings.TrimPrefix(s.origin, "http://")
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/a%2Fb/../c//d?x=%20&y=+", "hi",
			"POST /a%2Fb/../c//d?x=%20&y=+ HTTP/1.1\r\nHost: " + host + "\r\nX-B: v w\r\nContent-Length: 2\r\n\r\nhi"},
		{"POST", "/", "", "POST / HTTP/1.1\r\nHost: " + host + "\r\nX-B: v w\r\nContent-Length: 0\r\n\r\n"},
		{"GET", "/", "", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-B: v w\r\n\r\n"},
		{"GET", "/", "hi", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-B: v w\r\nContent-Length: 2\r\n\r\nhi"},
		{"DELETE", "/", "", "DELETE / HTTP/1.1\r\nHost: " + host + "\r\nX-B: v w\r\n\r\n"},
		{"PATCH", "/", "", "PATCH / HTTP/1.1\r\nHost: " + host + "\r\nX-B: v w\r\nContent-Length: 0\r\n\r\n"},
	} {
		client := newClient(t, Options{})
		req, resp := new(fasthttp.Request), new(fasthttp.Response)
		req.Header.SetMethod(c.method)
		req.SetRequestURI(c.path)
		req.Header.Set("X-B", "v w")
		req.Header.Set("Connection", "upgrade")
		req.Header.Set("Transfer-Encoding", "gzip")
		req.Header.Set("Host", "elsewhere")
		req.SetBodyString(c.body)
		if err := client.Do(t.Context(), s.origin, true, req, resp); err != nil {
			t.Fatal(err)
		}
		if g := <-got; g != c.want {
			t.Errorf("sent\n%q, want\n%q", g, c.want)
		}
		values := resp.Header.PeekAll("X-A")
		if resp.StatusCode() != 201 || string(resp.Body()) != "abc" || len(values) != 2 || len(resp.Header.ContentType()) > 0 {
			t.Errorf("got %s", resp)
		}
	}
}

func TestBadRequests(t *testing.T) {
	c := newClient(t, Options{})
	for name, change := range map[string]func(*fasthttp.Request){
		"no method":          func(r *fasthttp.Request) { r.Header.SetMethod("A B") },
		"CONNECT":            func(r *fasthttp.Request) { r.Header.SetMethod("CONNECT") },
		"absolute target":    func(r *fasthttp.Request) { r.SetRequestURI("http://elsewhere/") },
		"space in path":      func(r *fasthttp.Request) { r.SetRequestURI("/a b") },
		"second line":        func(r *fasthttp.Request) { r.Header.SetRequestURI("/ HTTP/1.1\r\nX: y") },
		"header name":        func(r *fasthttp.Request) { r.Header.Set("A B", "c") },
		"control in a value": func(r *fasthttp.Request) { r.Header.Set("A", "b\x00") },
	} {
		req := new(fasthttp.Request)
		change(req)
		if err := c.Do(t.Context(), "http://127.0.0.1:1", true, req, new(fasthttp.Response)); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://" + l.Addr().String()
	_ = l.Close()
	do(newClient(t, Options{}), origin, "GET", "/", "").failed(t, ErrUnavailable, "connection refused")
}

func TestAnswers(t *testing.T) {
	large := strings.Repeat("0123456789", 30000)
	for _, c := range []struct {
		name, answer string
		status       int
		body         string
	}{
		{"length", ok, 200, "ok"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n", 200, "abcd"},
		{"until the end", "HTTP/1.1 200 OK\r\n\r\nabc", 200, "abc"},
		{"large length", "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + large, 200, large},
		{"large chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + large + "\r\n493e0\r\n" + large + "\r\n0\r\n\r\n", 200, large + large},
		{"large until the end", "HTTP/1.1 200 OK\r\n\r\n" + large, 200, large},
		{"no chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, ""},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nabc", 200, "abc"},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, ""},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok, 200, "ok"},
		{"error", "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad", 500, "bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(_ *script, p *peer, _ int64) {
				p.request()
				p.send(c.answer)
			})
			do(newClient(t, Options{}), s.origin, "GET", "/", "").succeeded(t, c.status, c.body)
			if n := s.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestBrokenAnswers(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"nothing", "", "no answer: unexpected EOF"},
		{"part of a head", "HTTP/1.1 200 OK\r\nContent-", "broke off: unexpected EOF"},
		{"part of a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "broke off: unexpected EOF"},
		{"part of a large body", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc", "broke off: unexpected EOF"},
		{"chunk without its end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "malformed answer"},
		{"part of a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "broke off: unexpected EOF"},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "broke off: unexpected EOF"},
		{"no end of the trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "broke off: unexpected EOF"},
		{"garbage", "SSH-2.0-OpenSSH_9.2\r\n", `begins with "SSH-2.0-OpenSSH_9.2\r"`},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "malformed answer"},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", "malformed answer"},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "malformed answer"},
		{"unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "malformed answer"},
		{"another version", "HTTP/3.1 200 OK\r\nContent-Length: 0\r\n\r\n", `begins with "HTTP/3.1 200 OK\r"`},
		{"no such status", "HTTP/1.1 001 Huh\r\nContent-Length: 0\r\n\r\n", "malformed answer"},
		{"switched protocols", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "malformed answer"},
		{"endless hints", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), "malformed answer"},
		{"secret", "HTTP/1.1 200 OK\r\nSet-Cookie: sesame\x00\r\n\r\n", "malformed answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(_ *script, p *peer, _ int64) {
				p.request()
				p.send(c.answer)
				_ = p.Conn.(*net.TCPConn).CloseWrite()
				p.rest()
			})
			r := do(newClient(t, Options{}), s.origin, "GET", "/", "")
			r.failed(t, ErrUnavailable, c.want)
			if strings.Contains(r.err.Error(), "sesame") || strings.Contains(r.err.Error(), "Set-Cookie") {
				t.Errorf("the error quotes a header: %v", r.err)
			}
			if n := s.requests.Load(); n != 1 {
				t.Errorf("%d requests: a new connection is no stale one", n)
			}
		})
	}
}

func TestReset(t *testing.T) {
	s := serve(t, func(_ *script, p *peer, _ int64) {
		p.request()
		_ = p.Conn.(*net.TCPConn).SetLinger(0)
	})
	do(newClient(t, Options{}), s.origin, "GET", "/", "").failed(t, ErrUnavailable, "connection reset")
}

func TestTooLarge(t *testing.T) {
	for _, c := range []struct{ name, head, repeat string }{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", ""},
		{"endless chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nabcde\r\n"},
		{"endless chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", "x"},
		{"endless chunk comment", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"},
		{"endless body", "HTTP/1.1 200 OK\r\n\r\n", "x"},
		{"endless headers", "HTTP/1.1 200 OK\r\n", "X: y\r\n"},
		{"endless header", "HTTP/1.1 200 OK\r\nX: ", "x"},
		{"endless status line", "HTTP/1.1 200 ", "x"},
		{"endless trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(_ *script, p *peer, _ int64) {
				p.request()
				p.send(c.head)
				for more := strings.Repeat(c.repeat, 1000); more != ""; {
					if _, err := io.WriteString(p, more); err != nil {
						return
					}
				}
				p.rest()
			})
			do(newClient(t, Options{MaxResponse: 1000}), s.origin, "GET", "/", "").failed(t, ErrTooLarge, s.origin)
		})
	}
	t.Run("just fits", func(t *testing.T) {
		s := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+strings.Repeat("x", 1000))
		do(newClient(t, Options{MaxResponse: 1000}), s.origin, "GET", "/", "").succeeded(t, 200, strings.Repeat("x", 1000))
	})
}

// TestAnnounced: memory is not taken for what a peer only says that it will send.
func TestAnnounced(t *testing.T) {
	for _, head := range []string{"Content-Length: 16000000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\nf00000\r\nx"} {
		const calls = 20
		var waiting sync.WaitGroup
		waiting.Add(calls)
		s := serve(t, func(_ *script, p *peer, _ int64) {
			p.request()
			p.send("HTTP/1.1 200 OK\r\n" + head)
			waiting.Done()
			waiting.Wait() // all are read at once
		})
		c := newClient(t, Options{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var all sync.WaitGroup
		for range calls {
			all.Go(func() { do(c, s.origin, "GET", "/", "").failed(t, ErrUnavailable, "broke off") })
		}
		all.Wait()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
			t.Errorf("%.20q…: %d calls took %d MiB for a byte each", head, calls, took>>20)
		}
	}
}

// TestHead: an answer to HEAD has a length and no body.
func TestHead(t *testing.T) {
	s := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
	c := newClient(t, Options{MaxResponse: 10})
	for range 3 {
		do(c, s.origin, "HEAD", "/", "").succeeded(t, 200, "")
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestMany: calls in parallel share connections and mix up nothing.
func TestMany(t *testing.T) {
	s := serve(t, func(_ *script, p *peer, _ int64) {
		for {
			r := p.request()
			if r == nil {
				return
			}
			p.send("HTTP/1.1 200 OK\r\nContent-Length: " + r.Header.Get("Content-Length") + "\r\n\r\n")
			_, _ = io.Copy(p, r.Body)
		}
	})
	c := newClient(t, Options{MaxConns: 4})
	var calls sync.WaitGroup
	for i := range 16 {
		calls.Go(func() {
			for j := range 20 {
				body := strings.Repeat(string(rune('a'+i)), 1+j*2000)
				do(c, s.origin, "POST", "/", body).succeeded(t, 200, body)
			}
		})
	}
	calls.Wait()
	if n := s.conns.Load(); n > 4 {
		t.Errorf("%d connections, want at most 4", n)
	}
}
