//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const healthRoutes = `
[[route]]
method  = "POST"
path    = "/healthy"
handler = "@health"
[[route]]
method  = "GET"
path    = "/alive"
handler = "@health"
[[route]]
path    = "/able"
handler = "@ready"
`

// healthSite is a site of these routes. The command reads ports from host.toml, so
// that gets the real ones once the host listens.
func healthSite(t *testing.T, edits ...string) *site {
	t.Helper()
	s := emptySite(t)
	s.write("host.toml", smallConfig(t, healthRoutes))
	s.edit(edits...)
	return s
}

func (s *site) starts() (p *process, clients, admin string) {
	s.t.Helper()
	p = s.start()
	s.edit("[server]\nlisten = \"127.0.0.1:0\"", fmt.Sprintf("[server]\nlisten = %q", p.addr))
	s.edit(`127.0.0.1:0"`, p.admin+`"`)
	return p, p.addr, p.admin
}

func (s *site) health(args ...string) result {
	s.t.Helper()
	return wasmlane(s.t, append([]string{"health", "-c", s.path("host.toml")}, args...)...)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := healthSite(t)
	p, clients, admin := s.starts()
	s.health().exits(exitOK).says("http://" + admin + "/healthz: 200: ok\n")
	s.health("-ready").exits(exitOK).says("http://" + admin + "/readyz: 200: ready\n")
	s.health("/able").exits(exitOK).says("http://" + clients + "/able: 200: ready\n")
	s.health("/gone?x=1").exits(exitFailed).complains("wasmlane: http://" + clients + "/gone?x=1: 404: ")
	wasmlane(t, "health", "-c", "/nowhere", "http://"+clients+"/alive").exits(exitOK).says("/alive: 200: ok\n")

	// The process goes on with what it had when host.toml has been spoilt; a check
	// that failed would have it killed for a typing mistake.
	s.edit("[server]", "[server]\nunheard = 1")
	s.health().exits(exitOK)
	p.stop()
	s.health().exits(exitFailed).complains("wasmlane: http://" + admin + "/healthz: connection refused; nothing listens there\n")
}

// While the host drains it lives, but is not ready.
func TestHealthDuringDrain(t *testing.T) {
	t.Parallel()
	s := healthSite(t, "[admin]", "drain_delay = \"10m\"\n[admin]")
	p, clients, admin := s.starts()
	p.signal(syscall.SIGTERM)
	p.expectLog("not ready; still serving")
	s.health().exits(exitOK)
	s.health("-ready").exits(exitFailed).complains("wasmlane: http://" + admin + "/readyz: 503: draining\n")
	s.health("/able").exits(exitFailed).complains("wasmlane: http://" + clients + "/able: 503: draining\n")
}

// A token guards the admin listener, not its health.
func TestHealthWithToken(t *testing.T) {
	t.Parallel()
	s := healthSite(t, "[store]", "token = \"0123456789abcdef0123456789abcdef\"\n[store]")
	p, _, admin := s.starts()
	s.health().exits(exitOK).says("http://" + admin + "/healthz: 200: ok\n")
	s.health("-ready").exits(exitOK)
	s.health("http://" + admin + "/generation").exits(exitFailed).complains("/generation: 401: ")
	p.stop()
}

// Without an admin listener the routes tell; over TLS, when they have it.
func TestHealthOfRoutes(t *testing.T) {
	t.Parallel()
	s := healthSite(t, "[admin]\nlisten = \"127.0.0.1:0\"", "[admin]\nlisten = \"\"",
		"[admin]", "tls_cert = \"tls.pem\"\ntls_key = \"key.pem\"\n[admin]")
	selfSigned(t, s.path("tls.pem"), s.path("key.pem"))
	p := s.launch("run")
	p.expectLog("msg=listening addr=")
	p.wait("the address", func() bool { return strings.Contains(p.stderr.String()[p.read:], "\n") })
	clients, _, _ := strings.Cut(p.stderr.String()[p.read:], "\n")
	s.edit(`"127.0.0.1:0"`, fmt.Sprintf("%q", clients))
	s.health().exits(exitOK).says("https://" + clients + "/alive: 200: ok\n")
	s.health("-ready").exits(exitOK).says("https://" + clients + "/able: 200: ready\n")
	s.health("/alive").exits(exitOK).says("https://" + clients + "/alive: 200: ok\n")
	s.health("https://" + clients + "/alive").exits(exitFailed).complains("certificate")
	s.health("-k", "https://"+clients+"/alive").exits(exitOK)
	s.health("http://" + clients + "/alive").exits(exitFailed).complains("http://" + clients + "/alive: ")
	p.stop()

	s.edit(`"@ready"`, `"@service"`)
	s.health("-ready").exits(exitFailed).complains("host.toml:", "admin.listen", `no route without parameters names "@ready"`)
}

// Whatever answers, and however, the command ends in time with one line.
func TestHealthOfStrangers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(c net.Conn)
		want   string
	}{
		"silent":    {func(net.Conn) {}, "no answer within 300ms"},
		"closing":   {func(c net.Conn) { c.Close() }, "the connection was closed without a whole answer"},
		"no HTTP":   {func(c net.Conn) { fmt.Fprint(c, "220 mail.example.com ESMTP\r\n\r\n"); c.Close() }, ""},
		"cut short": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"); c.Close() }, "without a whole answer"},
		"large":     {func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<40) }, "an answer of more than 64 KiB"},
		"dripping":  {drip, "no answer within 300ms"},
		"moved":     {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") }, ": 302\n"},
		"with controls": {func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 503 No\r\nContent-Length: 21\r\n\r\n{\"reason\":\"a\\u001bc\"}  ")
		}, `503: "a\x1bc"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			t.Cleanup(func() { l.Close(); <-done })
			go func() {
				defer close(done)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				head := make([]byte, 1024)
				_, _ = conn.Read(head)
				c.answer(conn)
				_, _ = conn.Read(head) // until the command gives up
			}()
			timeout := "300ms"
			if !strings.Contains(c.want, timeout) {
				timeout = "1m"
			}
			r := wasmlane(t, "health", "-timeout", timeout, "http://"+l.Addr().String()+"/").exits(exitFailed).complains(c.want)
			if lines := strings.Count(r.stderr, "\n"); lines != 1 {
				t.Errorf("%d lines, want one:\n%s", lines, r.stderr)
			}
		})
	}
}

func drip(c net.Conn) {
	fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
	for {
		if _, err := fmt.Fprint(c, "."); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestHealthMisused(t *testing.T) {
	s := healthSite(t)
	s.health("-timeout", "0s").exits(exitUsage).complains("such as 3s")
	s.health("a", "b").exits(exitUsage).complains(`unexpected argument "b"`)
	s.health("ready").exits(exitFailed).complains(`"/ready"`)
	s.health("ftp://x/").exits(exitFailed).complains("no URL to ask")
	s.health("http://user:word@x/").exits(exitFailed).complains("no URL to ask")
	s.health("/%zz").exits(exitFailed).complains("is no path")

	s.write("host.toml", "[admin]\nlisten = \"127.0.0.1:0\"\n")
	s.health().exits(exitFailed).complains("host.toml:2: admin.listen: has no fixed port")
	// What cannot be read leaves the default address, and is named when that fails.
	s.write("host.toml", "[admin\n")
	s.health("/none").exits(exitFailed).complains("host.toml:1: ")
}

// A host that answers at the default address need not be the one that is meant: a file
// that cannot be read is named then, too.
func TestHealthByDefault(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:9001")
	if err != nil {
		t.Skipf("something listens at the default address: %v", err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1024))
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}
	}()
	wasmlane(t, "health", "-c", "/nowhere").exits(exitOK).says("http://127.0.0.1:9001/healthz: 200 (asked by default: /nowhere: no such file; ")
}

// selfSigned makes a certificate for a name that nobody asks for.
func selfSigned(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"shop.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile:  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Clean(path), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
