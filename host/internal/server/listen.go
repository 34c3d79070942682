package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// Listen binds the socket and returns its address. Clients may connect from here
// on; they are answered by Serve. An error is a *SettingError.
func (s *Server) Listen() (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil, ErrListening
	}
	cfg := &s.options.Config
	var refused error // by the system, of an option; it says more than Listen's error
	lc := net.ListenConfig{
		KeepAlive:       -1,
		KeepAliveConfig: keepAlive(cfg),
		Control: func(network, _ string, raw syscall.RawConn) error {
			if err := raw.Control(func(fd uintptr) { refused = setListenOptions(cfg, network, fd) }); err != nil {
				return err
			}
			return refused
		},
	}
	// Multipath TCP, Go's default on Linux, does not take all of these options.
	lc.SetMultipathTCP(false)
	socket, err := lc.Listen(context.Background(), network(cfg.Listen), cfg.Listen)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, listenError(cfg, err)
	}
	tcp := socket.(*net.TCPListener)
	for _, warning := range setBacklog(cfg, tcp) {
		s.log.Warn(warning.Error(), slog.String("key", warning.Key))
	}
	s.listener = newListener(s, tcp)
	return tcp.Addr(), nil
}

// network keeps an address to its own family: Go would take 0.0.0.0 for all IPv6
// addresses as well. The IPv6 wildcard means both families, as elsewhere.
func network(listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return "tcp"
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil || ip == netip.IPv6Unspecified():
		return "tcp"
	case ip.Is4():
		return "tcp4"
	default:
		return "tcp6"
	}
}

// keepAlive is on at the configured period, or off. How many probes may stay
// unanswered is the system's setting.
func keepAlive(cfg *config.Server) net.KeepAliveConfig {
	if !cfg.KeepAlive.On {
		return net.KeepAliveConfig{}
	}
	return net.KeepAliveConfig{Enable: true, Idle: cfg.KeepAlive.Duration, Interval: cfg.KeepAlive.Duration, Count: -1}
}

func listenError(cfg *config.Server, err error) error {
	_, port, _ := net.SplitHostPort(cfg.Listen)
	fail := func(format string, args ...any) error {
		return &SettingError{Key: "server.listen", Message: cfg.Listen + ": " + fmt.Sprintf(format, args...), Cause: err}
	}
	var address *net.AddrError
	var name *net.DNSError
	switch {
	case errors.Is(err, errAddressInUse):
		if cfg.ReusePort {
			return fail("another process has the port and does not share it; it must set reuse_port too, and run as the same user")
		}
		return fail("another process has the port; stop it (ss -ltnp 'sport = :%s' names it), or write another port", port)
	case errors.Is(err, os.ErrPermission):
		return fail("no permission to bind the port; write one over 1023, or allow it with setcap cap_net_bind_service=+ep on the program")
	case errors.Is(err, errAddressNotHere):
		return fail("this machine has no such address; write 0.0.0.0:%s for all addresses, or one that ip addr shows", port)
	case errors.As(err, &name):
		return fail("the name %q cannot be resolved: %v; write an IP address", name.Name, name.Err)
	case errors.As(err, &address):
		return fail("%s; write host:port, such as 0.0.0.0:8001", address.Err)
	default:
		return fail("%v", err)
	}
}

// secondsUp rounds up to whole seconds, in which the kernel counts.
func secondsUp(ns int64) int { return int((ns + 1e9 - 1) / 1e9) }
