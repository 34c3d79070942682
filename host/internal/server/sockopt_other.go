//go:build !unix

package server

import (
	"net"
	"runtime"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// checkPlatform reports settings that do not exist here.
func checkPlatform(cfg *config.Server) error {
	for _, setting := range []struct {
		key string
		on  bool
	}{
		{"server.reuse_port", cfg.ReusePort},
		{"server.defer_accept", cfg.DeferAccept},
		{"server.fast_open", cfg.FastOpen},
		{"server.ttl", cfg.TTL > 0},
	} {
		if setting.on {
			return &SettingError{Key: setting.key, Message: "not available on " + runtime.GOOS + "; remove it"}
		}
	}
	return nil
}

func setListenOptions(*config.Server, string, uintptr) error { return nil }

// setBacklog leaves the system's: a socket listens once here.
func setBacklog(*config.Server, *net.TCPListener) []*SettingError { return nil }
