package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// getsockopt asks the kernel for an option of a socket.
func getsockopt(t *testing.T, socket syscall.Conn, level, name int) int {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	value, failed := 0, error(nil)
	if err := raw.Control(func(fd uintptr) { value, failed = unix.GetsockoptInt(int(fd), level, name) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}

func lingerOf(t *testing.T, socket syscall.Conn) unix.Linger {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var linger *unix.Linger
	if err := raw.Control(func(fd uintptr) { linger, err = unix.GetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return *linger
}

// withAccepted runs check with the listener and with the server's side of a
// connection.
func withAccepted(t *testing.T, set func(*config.Server), check func(listener *net.TCPListener, accepted *Conn)) {
	t.Helper()
	o := options()
	set(&o.Config)
	accepted := make(chan *Conn, 1)
	release := make(chan struct{})
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		accepted <- ConnOf(ctx.Conn())
		<-release
	}
	s := start(t, o)
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	defer func() { close(release); c.answer("GET") }()
	check(s.listener.tcp, <-accepted)
}

func TestSocketOptions(t *testing.T) {
	type at int
	const (
		listener at = iota
		accepted
	)
	seconds := func(d time.Duration) config.OptionalDuration {
		return config.OptionalDuration{On: true, Duration: d}
	}
	for _, c := range []struct {
		name          string
		set           func(*config.Server)
		where         at
		level, option int
		want          int
	}{
		{"nodelay on", func(*config.Server) {}, accepted, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"nodelay off", func(c *config.Server) { c.NoDelay = false }, accepted, unix.IPPROTO_TCP, unix.TCP_NODELAY, 0},
		{"keep_alive on", func(*config.Server) {}, accepted, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"keep_alive first probe", func(c *config.Server) { c.KeepAlive = seconds(77 * time.Second) }, accepted, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
		{"keep_alive next probes", func(c *config.Server) { c.KeepAlive = seconds(77 * time.Second) }, accepted, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 77},
		{"keep_alive off", func(c *config.Server) { c.KeepAlive = config.OptionalDuration{} }, accepted, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
		{"ttl", func(c *config.Server) { c.TTL = 37 }, accepted, unix.IPPROTO_IP, unix.IP_TTL, 37},
		{"ttl of the listener", func(c *config.Server) { c.TTL = 37 }, listener, unix.IPPROTO_IP, unix.IP_TTL, 37},
		{"ttl of the system", func(*config.Server) {}, accepted, unix.IPPROTO_IP, unix.IP_TTL, systemTTL(t)},
		{"ttl IPv6", func(c *config.Server) { c.TTL = 37; c.Listen = loopback6(t) }, accepted, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 37},
		{"ttl both families, IPv4 client", func(c *config.Server) { c.TTL = 37; c.Listen = ":0" }, accepted, unix.IPPROTO_IP, unix.IP_TTL, 37},
		{"reuse_port", func(c *config.Server) { c.ReusePort = true }, listener, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{"reuse_port off", func(*config.Server) {}, listener, unix.SOL_SOCKET, unix.SO_REUSEPORT, 0},
		{"reuse address", func(*config.Server) {}, listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		// The kernel keeps retransmissions: 10 s is rounded up to 1+2+4+8 s.
		{"defer_accept", func(c *config.Server) { c.DeferAccept = true }, listener, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 15},
		{"defer_accept off", func(*config.Server) {}, listener, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 0},
		{"fast_open", func(c *config.Server) { c.FastOpen = true }, listener, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, fastOpenQueue},
		{"fast_open off", func(*config.Server) {}, listener, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 0},
		// 262 is IPPROTO_MPTCP, where most of these options do not work.
		{"plain TCP", func(*config.Server) {}, listener, unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP},
	} {
		t.Run(c.name, func(t *testing.T) {
			withAccepted(t, c.set, func(l *net.TCPListener, conn *Conn) {
				socket := syscall.Conn(l)
				if c.where == accepted {
					socket = conn
				}
				if got := getsockopt(t, socket, c.level, c.option); got != c.want {
					t.Errorf("the kernel says %d, want %d", got, c.want)
				}
			})
		})
	}
}

func TestLinger(t *testing.T) {
	for _, c := range []struct {
		set  config.OptionalDuration
		want unix.Linger
	}{
		{config.OptionalDuration{}, unix.Linger{}},
		{config.OptionalDuration{On: true}, unix.Linger{Onoff: 1}},
		{config.OptionalDuration{On: true, Duration: 3 * time.Second}, unix.Linger{Onoff: 1, Linger: 3}},
		{config.OptionalDuration{On: true, Duration: time.Millisecond}, unix.Linger{Onoff: 1, Linger: 1}},
	} {
		t.Run(fmt.Sprint(c.set), func(t *testing.T) {
			withAccepted(t, func(s *config.Server) { s.Linger = c.set }, func(_ *net.TCPListener, conn *Conn) {
				if got := lingerOf(t, conn); got != c.want {
					t.Errorf("the kernel says %+v, want %+v", got, c.want)
				}
			})
		})
	}
}

func systemTTL(t *testing.T) int {
	ttl, ok := systemSetting("/proc/sys/net/ipv4/ip_default_ttl")
	if !ok {
		need(t, "cannot read /proc/sys/net/ipv4/ip_default_ttl; mount /proc")
	}
	return ttl
}

// loopback6 returns a free IPv6 address of this machine.
func loopback6(t *testing.T) string {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		need(t, "no IPv6 on the loopback interface; switch it on with sysctl -w net.ipv6.conf.lo.disable_ipv6=0")
	}
	defer func() { _ = l.Close() }()
	return "[::1]:0"
}

// backlogOf asks ss for the length of the accept queue.
func backlogOf(t *testing.T, addr string) string {
	t.Helper()
	path, err := exec.LookPath("ss")
	if err != nil {
		need(t, "ss is missing; install iproute2")
	}
	_, port, _ := net.SplitHostPort(addr)
	out, err := exec.Command(path, "-ltnH", "sport = :"+port).CombinedOutput()
	if err != nil {
		t.Fatalf("ss: %v: %s", err, out)
	}
	// State Recv-Q Send-Q Local Peer
	fields := strings.Fields(string(out))
	if len(fields) < 4 {
		t.Fatalf("ss shows no listener: %q", out)
	}
	return fields[2]
}

func TestBacklog(t *testing.T) {
	o := options()
	o.Config.Backlog = 77
	s := start(t, o)
	if got := backlogOf(t, s.addr); got != "77" {
		t.Errorf("ss says %s, want 77", got)
	}
}

func TestBacklogOverSystemLimit(t *testing.T) {
	most, ok := systemSetting("/proc/sys/net/core/somaxconn")
	if !ok {
		need(t, "cannot read /proc/sys/net/core/somaxconn; mount /proc")
	}
	o := options()
	log := captureLog(&o)
	o.Config.Backlog = most + 1
	s := start(t, o)
	if got := backlogOf(t, s.addr); got != fmt.Sprint(most) {
		t.Errorf("ss says %s, want %d", got, most)
	}
	if want := fmt.Sprintf("sysctl -w net.core.somaxconn=%d", most+1); !strings.Contains(log.String(), want) {
		t.Errorf("no warning with %q in the log:\n%s", want, log)
	}
}

func TestReusePortShares(t *testing.T) {
	o := options()
	o.Config.ReusePort = true
	first := start(t, o)
	o.Config.Listen = first.addr
	start(t, o)
}

// TestDeferAccept: a connection without data is not accepted.
func TestDeferAccept(t *testing.T) {
	o := options()
	o.Config.DeferAccept = true
	s := start(t, o)
	silent := s.dial()
	speaking := s.dial()
	speaking.get()
	if got := s.Stats(); got.Accepted != 1 || got.Open != 1 {
		t.Errorf("%+v, want only the connection that has sent something", got)
	}
	if a := silent.get(); a.StatusCode != 200 {
		t.Errorf("the silent connection got %d when it spoke", a.StatusCode)
	}
}

// TestOutOfDescriptors: the accept loop outlives it, where the library's own
// would end for good.
func TestOutOfDescriptors(t *testing.T) {
	o := options()
	log := captureLog(&o)
	s := start(t, o)
	s.dial().get()

	// The client's socket is made before there are no descriptors left.
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	none := before
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	addr := s.listener.tcp.Addr().(*net.TCPAddr)
	to := &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte{127, 0, 0, 1}}
	connected := unix.Connect(client, to)
	logged := false
	for end := time.Now().Add(patience); connected == nil && !logged && time.Now().Before(end); time.Sleep(time.Millisecond) {
		logged = strings.Contains(log.String(), "out of file descriptors")
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if connected != nil || !logged {
		t.Fatalf("connect: %v; the log says:\n%s", connected, log)
	}

	file := os.NewFile(uintptr(client), "client")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		t.Fatal(err)
	}
	if a := newClient(t, conn).get(); a.StatusCode != 200 {
		t.Errorf("got %d once there were descriptors again", a.StatusCode)
	}
}

func TestFastOpenWarns(t *testing.T) {
	mode, ok := systemSetting("/proc/sys/net/ipv4/tcp_fastopen")
	if !ok {
		need(t, "cannot read /proc/sys/net/ipv4/tcp_fastopen; mount /proc")
	}
	o := options()
	log := captureLog(&o)
	o.Config.FastOpen = true
	start(t, o)
	if warned := strings.Contains(log.String(), "net.ipv4.tcp_fastopen=3"); warned != (mode&2 == 0) {
		t.Errorf("net.ipv4.tcp_fastopen is %d, and warned is %v", mode, warned)
	}
}

// TestRefusedOption: what the kernel does not take is reported with its key.
func TestRefusedOption(t *testing.T) {
	o := options()
	o.Config.TTL = 256
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Listen()
	var setting *SettingError
	if !errors.As(err, &setting) || setting.Key != "server.ttl" || !errors.Is(err, unix.EINVAL) {
		t.Errorf("got %v", err)
	}
}
