package server

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// listener hands the library the connections it is to serve. Its Accept fails
// only when it has been closed: the library gives up at the first error, and a
// process short of descriptors must not stop serving for good.
type listener struct {
	server *Server
	tcp    *net.TCPListener

	once    sync.Once
	closing chan struct{} // closed when no more is to be accepted

	left []*net.TCPConn // accepted at the very end and not yet handed over; Accept's
}

func newListener(s *Server, tcp *net.TCPListener) *listener {
	return &listener{server: s, tcp: tcp, closing: make(chan struct{})}
}

// Accept returns the next connection that is within the limits.
func (l *listener) Accept() (net.Conn, error) {
	for pause := time.Duration(0); ; {
		tcp, err := l.next()
		if err == nil {
			pause = 0
			if c := l.server.admit(tcp); c != nil {
				return c, nil
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		l.server.complain(err, pause)
		select {
		case <-time.After(pause):
		case <-l.closing:
		}
	}
}

// next returns a connection, whatever the limits say. Once the listener closes
// it returns those that the kernel has already completed, and then ErrClosed.
func (l *listener) next() (*net.TCPConn, error) {
	if len(l.left) == 0 {
		tcp, err := l.tcp.AcceptTCP()
		if err == nil {
			return tcp, nil
		}
		select {
		case <-l.closing:
		default:
			return nil, err
		}
		l.left = closeSwept(l.tcp)
		for _, tcp := range l.left {
			_ = tcp.SetKeepAliveConfig(keepAlive(&l.server.options.Config))
		}
		if len(l.left) == 0 {
			return nil, net.ErrClosed
		}
	}
	tcp := l.left[0]
	l.left = l.left[1:]
	return tcp, nil
}

// Close stops accepting. When Accept is running, it closes the socket: the
// kernel resets what has been waiting for an accept until then.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closing) })
	return l.tcp.SetDeadline(time.Unix(1, 0))
}

// Addr returns the address that is listened on.
func (l *listener) Addr() net.Addr { return l.tcp.Addr() }

// admit returns tcp as a connection, set up and counted, or turns it away and
// returns nil.
func (s *Server) admit(tcp *net.TCPConn) *Conn {
	remote := addressOf(tcp.RemoteAddr())
	c := &Conn{
		tcp:    tcp,
		server: s,
		remote: remote,
		client: clientOf(remote),
		since:  time.Now(),
		tls:    s.cert != nil,
	}
	if why := s.conns.add(c); why != admitted {
		s.turnAway(tcp, why)
		return nil
	}
	setConnOptions(&s.options.Config, tcp)
	c.quick.open(tcp)
	return c
}

// setConnOptions applies the settings of one connection. It fails only for a
// connection that the client has already reset, and the next read tells that.
func setConnOptions(cfg *config.Server, tcp *net.TCPConn) {
	if !cfg.NoDelay { // Go's default is true
		_ = tcp.SetNoDelay(false)
	}
	if cfg.Linger.On {
		_ = tcp.SetLinger(secondsUp(int64(cfg.Linger.Duration)))
	}
}

// complain logs that connections cannot be accepted.
func (s *Server) complain(err error, pause time.Duration) {
	n, ok := s.stalled.now()
	if !ok {
		return
	}
	advice := "trying again"
	switch {
	case errors.Is(err, errProcessFull):
		advice = "out of file descriptors: raise the limit (ulimit -n, LimitNOFILE=) or lower server.max_connections; trying again"
	case errors.Is(err, errSystemFull):
		advice = "the system is out of file descriptors: raise fs.file-max; trying again"
	}
	s.log.Error("cannot accept a connection; "+advice, slog.Any("error", err), slog.Duration("pause", pause), slog.Uint64("times", n))
}
