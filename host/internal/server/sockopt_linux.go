package server

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// fastOpenQueue is how many connections may be open on their cookie alone.
const fastOpenQueue = 256

// checkPlatform reports settings that do not exist here.
func checkPlatform(*config.Server) error { return nil }

// setListenOptions applies the settings of the listening socket, before it is
// bound. Accepted connections inherit the TTL.
func setListenOptions(cfg *config.Server, network string, descriptor uintptr) error {
	fd := int(descriptor)
	set := func(on bool, key string, level, option, value int) error {
		if !on {
			return nil
		}
		if err := unix.SetsockoptInt(fd, level, option, value); err != nil {
			return &SettingError{Key: key, Message: fmt.Sprintf("the kernel refuses it: %v", err), Cause: err}
		}
		return nil
	}
	// A connection comes out of the queue with data, or after this long without.
	patience := max(secondsUp(int64(cfg.ReadTimeout)), 1)
	for _, err := range []error{
		set(cfg.ReusePort, "server.reuse_port", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
		set(cfg.DeferAccept, "server.defer_accept", unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, patience),
		set(cfg.FastOpen, "server.fast_open", unix.IPPROTO_TCP, unix.TCP_FASTOPEN, fastOpenQueue),
		// An IPv6 socket serves IPv4 clients with this one, too.
		set(cfg.TTL > 0, "server.ttl", unix.IPPROTO_IP, unix.IP_TTL, cfg.TTL),
		set(cfg.TTL > 0 && network == "tcp6", "server.ttl", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, cfg.TTL),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// setBacklog listens again with the configured backlog, since Go takes the
// system's largest, and reports what the system's own settings make of ours.
func setBacklog(cfg *config.Server, l *net.TCPListener) (warnings []*SettingError) {
	if cfg.Backlog > 0 {
		var failed error
		if raw, err := l.SyscallConn(); err != nil {
			failed = err
		} else if err := raw.Control(func(fd uintptr) { failed = unix.Listen(int(fd), cfg.Backlog) }); err != nil {
			failed = err
		}
		if failed != nil {
			warnings = append(warnings, &SettingError{Key: "server.backlog", Message: "the kernel refuses it: " + failed.Error(), Cause: failed})
		}
	}
	if most, ok := systemSetting("/proc/sys/net/core/somaxconn"); ok && cfg.Backlog > most {
		warnings = append(warnings, &SettingError{Key: "server.backlog",
			Message: fmt.Sprintf("%d is more than net.core.somaxconn, so the kernel uses %d; raise it with sysctl -w net.core.somaxconn=%d", cfg.Backlog, most, cfg.Backlog)})
	}
	// Bit 1 of the setting lets servers take part; without it the option is kept
	// and does nothing.
	if mode, ok := systemSetting("/proc/sys/net/ipv4/tcp_fastopen"); ok && cfg.FastOpen && mode&2 == 0 {
		warnings = append(warnings, &SettingError{Key: "server.fast_open",
			Message: fmt.Sprintf("no effect while net.ipv4.tcp_fastopen is %d; enable it with sysctl -w net.ipv4.tcp_fastopen=3", mode)})
	}
	return warnings
}

// systemSetting reads a number from /proc/sys.
func systemSetting(path string) (int, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil
}
