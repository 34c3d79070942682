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
	plain := start(t, o)
	roots := useTLS(t, &o)
	secure := start(t, o)
	dialTLS := func() *peer { return secure.dialTLS(roots) }
	clients := map[*running]func() *peer{plain: plain.dial, secure: dialTLS}
	drains := make([]<-chan error, 0, len(clients))
	ends := make([]*peer, 0, 2*len(clients))
	for s, dial := range clients {
		idle, silent := dial(), dial()
		idle.get()
		s.waitOpen(2)
		drains, ends = append(drains, s.shutdown(patience)), append(ends, idle, silent)
	}
	for _, drain := range drains {
		if err := wait(t, drain); err != nil {
			t.Error(err)
		}
	}
	for _, c := range ends {
		c.ended()
	}
}

// TestDrainIsQuick: without connections there is nobody to tell, and not a tick is
// waited for.
func TestDrainIsQuick(t *testing.T) {
	s := start(t, options())
	s.announce(context.Background(), nil)
}
