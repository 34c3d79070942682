package server

import (
	"context"
	"errors"
	"net"
	"testing"
)

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
