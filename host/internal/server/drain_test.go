package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// shutdown runs Shutdown and returns its result when it is there.
func (r *running) shutdown(within time.Duration) <-chan error {
	result := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		result <- r.Shutdown(ctx)
	}()
	return result
}

func wait(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("Shutdown did not return")
		return nil
	}
}

// TestDrainLosesNoRequest: clients that send one request after the other, until
// they are told to leave, get an answer to each.
func TestDrainLosesNoRequest(t *testing.T) {
	s := start(t, options())
	var clients sync.WaitGroup
	var answers, told atomic.Int64
	for i := range 16 {
		c := s.dial()
		clients.Go(func() {
			for {
				last := time.Now()
				// Some leave hardly any pause, and some one that spans many steps of
				// the drain.
				time.Sleep(time.Duration(i*i) * time.Millisecond)
				_, err := io.WriteString(c.Conn, simple)
				var a answer
				if err == nil {
					a, err = c.tryAnswer("GET")
				}
				switch {
				case err == nil && a.StatusCode == 200:
				case time.Since(last) > announceFor/2:
					told.Add(1) // a machine that stands still for so long has idle clients
					return
				default:
					t.Errorf("client %d: %d, %v", i, a.StatusCode, err)
					return
				}
				answers.Add(1)
				if a.Close {
					told.Add(1)
					return
				}
			}
		})
	}
	s.until("traffic", func() bool { return answers.Load() > 200 })
	if s.Draining() {
		t.Error("draining before Shutdown")
	}
	if err := wait(t, s.shutdown(patience)); err != nil {
		t.Error(err)
	}
	clients.Wait()
	if told.Load() != 16 && !t.Failed() || !s.Draining() {
		t.Errorf("%d of 16 clients were told to leave", told.Load())
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("still listening")
	}
}

// TestDrainUnderTLS is the same with Go's own client.
func TestDrainUnderTLS(t *testing.T) {
	o := options()
	roots := useTLS(t, &o)
	s := start(t, o)
	transport := &http.Transport{TLSClientConfig: tlsConfig(roots)}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	get := func() (closing bool, err error) {
		resp, err := client.Get("https://" + s.addr + "/")
		if err != nil {
			return false, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.Close, err
	}
	if closing, err := get(); closing || err != nil {
		t.Fatal(closing, err)
	}
	result := s.shutdown(patience)
	s.until("beginning of the drain", s.Draining)
	if closing, err := get(); !closing || err != nil {
		t.Errorf("while draining: closing is %v, %v", closing, err)
	}
	if err := wait(t, result); err != nil {
		t.Error(err)
	}
}

// TestDrainWaits: a request in flight is answered, however long it takes.
func TestDrainWaits(t *testing.T) {
	s, next := hold(t, options())
	c := s.dial()
	c.send(simple)
	h := next()
	result := s.shutdown(patience)
	s.until("end of listening", func() bool {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-result:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	h.release()
	if a := c.answer("GET"); a.StatusCode != 200 || !a.Close {
		t.Errorf("got %d, closing is %v", a.StatusCode, a.Close)
	}
	if err := wait(t, result); err != nil {
		t.Error(err)
	}
}

// TestDrainCuts: what is not over in time is closed and counted; idle connections
// do not count.
func TestDrainCuts(t *testing.T) {
	s, next := hold(t, options())
	idle := s.dial()
	idle.send(simple)
	next().release()
	idle.answer("GET")
	var busy []*peer
	for range 2 {
		c := s.dial()
		c.send(simple)
		next()
		busy = append(busy, c)
	}
	err := wait(t, s.shutdown(2*short))
	if !errors.Is(err, ErrCut) || !strings.Contains(err.Error(), "2 still running") {
		t.Errorf("got %v", err)
	}
	for _, c := range busy { // their handlers still run
		c.ended()
	}
}

func TestAnnounceTime(t *testing.T) {
	in := func(d time.Duration) time.Duration {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		return announceTime(ctx)
	}
	if got := announceTime(context.Background()); got != announceFor {
		t.Errorf("without a deadline: %v", got)
	}
	if got := in(time.Hour); got != announceFor {
		t.Errorf("of an hour: %v", got)
	}
	if got := in(announceFor); got > announceFor/4 {
		t.Errorf("of %v: %v", announceFor, got)
	}
	if got := in(0); got > 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestDrainEndsIdle: idle and silent connections do not hold a drain up, and see
// an orderly end.
func TestDrainEndsIdle(t *testing.T) {
	o := options()
	o.Config.ReadTimeout, o.Config.IdleTimeout = time.Hour, time.Hour
	s := start(t, o)
	idle, silent := s.dial(), s.dial()
	idle.get()
	s.waitOpen(2)
	if err := wait(t, s.shutdown(patience)); err != nil {
		t.Error(err)
	}
	idle.ended()
	silent.ended()
}

// TestDrainIsQuick: without connections there is nobody to tell, and not a tick is
// waited for.
func TestDrainIsQuick(t *testing.T) {
	s := start(t, options())
	s.announce(context.Background(), nil)
}

// TestHurry: a connection that has begun a request is not disturbed, one that has
// not ends.
func TestHurry(t *testing.T) {
	s := start(t, options())
	c := s.dial()
	c.get()
	hurry := func(state fasthttp.ConnState) {
		var conn *Conn
		s.conns.each(func(c *Conn) { conn = c })
		s.until("state", func() bool {
			conn.mu.Lock()
			defer conn.mu.Unlock()
			return conn.state == state
		})
		conn.hurry(time.Now(), 0)
		conn.mu.Lock()
		defer conn.mu.Unlock()
		if want := state == fasthttp.StateIdle; conn.hurried != want {
			t.Errorf("state %v: hurried is %v", state, conn.hurried)
		}
	}
	c.send("GET / HT")
	hurry(fasthttp.StateActive)
	c.send("TP/1.1\r\nHost: a\r\n\r\n")
	if a := c.answer("GET"); a.StatusCode != 200 {
		t.Fatalf("got %d", a.StatusCode)
	}
	hurry(fasthttp.StateIdle)
	c.ended()
}

// TestReprieve: a request that arrives together with the end of the wait for it
// is answered.
func TestReprieve(t *testing.T) {
	server, clientSide := tcpPair(t)
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	conn := &Conn{tcp: server, server: s, since: time.Now()}
	if _, err := clientSide.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "data", func() bool { return peek(server) == peekData })
	conn.hurry(time.Now(), 0)
	buf := make([]byte, 8)
	if n, err := conn.Read(buf); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	conn.hurry(time.Now(), 0)
	if n, err := conn.Read(buf); n != 0 || err == nil {
		t.Errorf("read %d, %v, want the end of the wait", n, err)
	}
	// The rest of a first request whose first byte came before the end of the wait.
	conn.setState(fasthttp.StateActive)
	if conn.hurried {
		t.Error("the end of the wait outlived the wait")
	}
	if _, err := clientSide.Write([]byte("y")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(buf); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

// tcpPair returns both ends of a connection.
func tcpPair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = dialled.Close(), accepted.Close() })
	return accepted.(*net.TCPConn), dialled.(*net.TCPConn)
}

func TestWrongOrder(t *testing.T) {
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); !errors.Is(err, ErrNotListening) {
		t.Errorf("Serve first: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown first: %v", err)
	}
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(); !errors.Is(err, ErrListening) {
		t.Errorf("Listen twice: %v", err)
	}
	// Listening and never serving leaves nothing behind.
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", addr.String()); err == nil {
		t.Error("still listening")
	}
	if err := s.Serve(); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}

	r := start(t, options())
	r.dial().get()
	if err := r.Serve(); !errors.Is(err, ErrServing) {
		t.Errorf("Serve twice: %v", err)
	}
	for range 2 {
		if err := wait(t, r.shutdown(patience)); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
}
