package server

import (
	"net"
	"time"
)

// readLimit is the deadline of a connection's reads. A request moves it twice, to
// the wait for the next request and back, and mostly further away: then the
// system's timer stays where it is. Should it run out first, the read that it ends
// sets it anew and goes on.
type readLimit struct {
	at    time.Time // when a read fails; zero: never
	armed time.Time // when the timer runs out, at the latest when a read fails; zero: never
}

// set moves the deadline. Zero: none.
func (l *readLimit) set(tcp *net.TCPConn, t time.Time) error {
	l.at = t
	if !l.armed.IsZero() && (t.IsZero() || !t.Before(l.armed)) {
		return nil
	}
	return l.arm(tcp)
}

// arm sets the timer to the deadline.
func (l *readLimit) arm(tcp *net.TCPConn) error {
	l.armed = l.at
	return tcp.SetReadDeadline(l.at)
}

// early reports whether the timer ran out before the deadline.
func (l *readLimit) early(now time.Time) bool { return l.at.IsZero() || now.Before(l.at) }
