package server

import (
	"errors"
	"os"
	"testing"
	"time"
)

// A deadline that moves away does not end a read, one that comes nearer does, and
// none has passed before its time.
func TestReadDeadlineMoves(t *testing.T) {
	c, clientSide := accepted(t)
	buf := make([]byte, 8)
	in := func(d time.Duration) time.Time {
		at := time.Now().Add(d)
		if err := c.SetReadDeadline(at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	fails := func(after time.Time) {
		t.Helper()
		n, err := c.Read(buf)
		if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().Before(after) {
			t.Errorf("%s before the deadline: read %d, %v", time.Until(after), n, err)
		}
	}
	reads := func() {
		t.Helper()
		if n, err := c.Read(buf); n != 1 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
	}
	send := func() {
		if _, err := clientSide.Write([]byte("x")); err != nil {
			t.Error(err)
		}
	}

	in(20 * time.Millisecond)
	fails(in(100 * time.Millisecond)) // moved away before it passed
	fails(in(20 * time.Millisecond))  // moved away after it passed
	in(time.Hour)
	fails(in(20 * time.Millisecond)) // brought nearer

	in(20 * time.Millisecond)
	in(time.Hour)
	armed := c.limit.armed
	waitFor(t, "end of the timer", func() bool { // while nobody reads
		time.Sleep(20 * time.Millisecond)
		send()
		reads()
		return !c.limit.armed.Equal(armed)
	})

	in(20 * time.Millisecond)
	if err := c.SetReadDeadline(time.Time{}); err != nil { // taken away
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, send)
	reads()
}

// The end of a wait for a request is not undone by a deadline that is set for it a
// moment later.
func TestHurriedBeforeTheDeadline(t *testing.T) {
	c, _ := accepted(t)
	c.hurry(time.Now(), 0)
	if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d, %v, want the end of the wait", n, err)
	}
}
