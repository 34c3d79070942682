package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// libraryLog takes what the HTTP library logs: connections that ended in an
// error. Clients are told already, so it is of interest only to who looks for it.
type libraryLog struct{ log *slog.Logger }

// Printf logs a message without the texts of its errors. They quote the request,
// an Authorization header included.
func (l libraryLog) Printf(format string, args ...any) {
	shown := make([]any, len(args))
	for i, arg := range args {
		shown[i] = arg
		if err, ok := arg.(error); ok {
			shown[i] = outline(err)
		}
	}
	l.log.Debug("connection: " + fmt.Sprintf(format, shown...))
}

// outline describes an error: what the system says of the connection, or that
// the request was at fault.
func outline(err error) string {
	var system syscall.Errno
	switch {
	case errors.As(err, &system):
		return system.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, net.ErrClosed):
		return "closed by the server"
	default:
		return "malformed request or handshake"
	}
}

// occasionally keeps a warning that may repeat thousands of times a second to one
// in quietFor.
type occasionally struct {
	mu    sync.Mutex
	last  time.Time
	times uint64
}

const quietFor = 10 * time.Second

// now reports whether it is time to warn again, and how often the cause has come
// up since the last warning.
func (o *occasionally) now() (times uint64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.times++
	if time.Since(o.last) < quietFor {
		return 0, false
	}
	times, o.times, o.last = o.times, 0, time.Now()
	return times, true
}
