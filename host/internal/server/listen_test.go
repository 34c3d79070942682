package server

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// TestListenErrors: each says what to do.
func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, c := range []struct{ listen, want string }{
		{taken.Addr().String(), "another process has the port; stop it (ss -ltnp 'sport = :" + port + "'"},
		{"192.0.2.1:0", "this machine has no such address"},
		{"127.0.0.1", "missing port in address; write host:port"},
		{"127.0.0.1:x:y", "too many colons in address; write host:port"},
	} {
		t.Run(c.listen, func(t *testing.T) {
			o := options()
			o.Config.Listen = c.listen
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Listen()
			var setting *SettingError
			if !errors.As(err, &setting) || setting.Key != "server.listen" || !strings.Contains(setting.Message, c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

func TestListenPermission(t *testing.T) {
	err := listenError(&config.Server{Listen: "0.0.0.0:80"}, &net.OpError{Op: "listen", Err: errPermission})
	if want := "server.listen: 0.0.0.0:80: no permission to bind the port; write one over 1023"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// TestFamilies: an address is listened on as written.
func TestFamilies(t *testing.T) {
	for listen, want := range map[string]string{
		"0.0.0.0:8001":     "tcp4",
		"127.0.0.1:8001":   "tcp4",
		"[::1]:8001":       "tcp6",
		"[::]:8001":        "tcp",
		":8001":            "tcp",
		"localhost:8001":   "tcp",
		"[fe80::1%lo]:801": "tcp6",
		"nonsense":         "tcp",
	} {
		if got := network(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}

func TestNewNeedsHandlers(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("New took options without a handler")
	}
}
