//go:build unix && !linux

package server

import (
	"fmt"
	"net"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// checkPlatform reports settings that do not exist here.
func checkPlatform(cfg *config.Server) error {
	switch {
	case cfg.DeferAccept:
		return &SettingError{Key: "server.defer_accept", Message: "not available on " + runtime.GOOS + "; remove it"}
	case cfg.FastOpen:
		return &SettingError{Key: "server.fast_open", Message: "not available on " + runtime.GOOS + "; remove it"}
	}
	return nil
}

// setListenOptions applies the settings of the listening socket, before it is
// bound. Accepted connections inherit the TTL.
func setListenOptions(cfg *config.Server, network string, descriptor uintptr) error {
	fd := int(descriptor)
	if cfg.ReusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return &SettingError{Key: "server.reuse_port", Message: fmt.Sprintf("the kernel refuses it: %v", err), Cause: err}
		}
	}
	if cfg.TTL > 0 {
		level, option := unix.IPPROTO_IP, unix.IP_TTL
		if network == "tcp6" {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
		}
		if err := unix.SetsockoptInt(fd, level, option, cfg.TTL); err != nil {
			return &SettingError{Key: "server.ttl", Message: fmt.Sprintf("the kernel refuses it: %v", err), Cause: err}
		}
	}
	return nil
}

// setBacklog listens again with the configured backlog, since Go takes the
// system's largest.
func setBacklog(cfg *config.Server, l *net.TCPListener) (warnings []*SettingError) {
	raw, err := l.SyscallConn()
	if err != nil || cfg.Backlog <= 0 {
		return nil
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Listen(int(fd), cfg.Backlog) }); err != nil {
		failed = err
	}
	if failed != nil {
		warnings = append(warnings, &SettingError{Key: "server.backlog", Message: "the kernel refuses it: " + failed.Error(), Cause: failed})
	}
	return warnings
}
