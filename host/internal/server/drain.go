package server

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrCut is returned by Shutdown when requests were still running at its end.
var ErrCut = errors.New("requests were cut off")

const (
	// announceFor is how long every answer says "Connection: close" before the
	// listener closes. A client in a steady loop of requests leaves by itself in
	// that time, and can connect elsewhere.
	announceFor = time.Second

	// drainStep is how often Shutdown looks at the connections.
	drainStep = 10 * time.Millisecond
)

// Shutdown ends the server without a client losing a request. From its begin on
// every answer closes its connection. For up to a second, and a quarter of ctx's
// time at most, connections are still accepted. Then the listener closes, idle
// connections end, and requests in flight are waited for until ctx ends. What is
// left then is closed, and the error, ErrCut, says how many requests that cut.
//
// A client whose idle connection ends at the moment it sends the next request
// still has to repeat it: HTTP/1.1 knows no way around that.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	l, served := s.listener, s.served
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	if served == nil { // nobody accepts, so nobody would close
		_ = l.tcp.Close()
		return nil
	}

	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	s.announce(ctx, tick.C)
	_ = l.Close()
	<-served // soon: Accept only hands over what is complete
	for s.conns.count() > 0 {
		now := time.Now()
		s.conns.each(func(c *Conn) { c.hurry(now, announceFor) })
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s.cutOff()
		}
	}
	return nil
}

// announceTime returns how much of ctx's time goes to telling the clients.
func announceTime(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(announceFor, time.Until(deadline)/4)
	}
	return announceFor
}

// announce waits while answers tell the clients to leave. With no client there is
// nobody to tell.
func (s *Server) announce(ctx context.Context, tick <-chan time.Time) {
	for end := time.Now().Add(announceTime(ctx)); s.conns.count() > 0 && time.Now().Before(end); {
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
	}
}

// cutOff closes what is left.
func (s *Server) cutOff() error {
	cut := 0
	s.conns.each(func(c *Conn) {
		if c.answering() {
			cut++
		}
		c.abort()
	})
	if cut == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d still running at the end of the drain", ErrCut, cut)
}
