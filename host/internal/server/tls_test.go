package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// writePair writes a self-signed certificate for 127.0.0.1 and its key.
func writePair(t *testing.T, name string, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-2 * time.Hour),
		NotAfter:              until,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	write(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return certFile, keyFile
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// useTLS gives the options a certificate and returns who trusts it.
func useTLS(t *testing.T, o *Options) *x509.CertPool {
	t.Helper()
	o.Config.TLSCert, o.Config.TLSKey = writePair(t, "first", time.Now().Add(time.Hour))
	return trust(t, o.Config.TLSCert)
}

func trust(t *testing.T, certFile string) *x509.CertPool {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(read(t, certFile)) {
		t.Fatal("no certificate in", certFile)
	}
	return roots
}

func tlsConfig(roots *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: roots} }

func (r *running) dialTLS(roots *x509.CertPool) *peer {
	r.t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", r.addr, tlsConfig(roots))
	if err != nil {
		r.t.Fatal(err)
	}
	return newClient(r.t, c)
}

func TestTLS(t *testing.T) {
	o := options()
	roots := useTLS(t, &o)
	found := make(chan bool, 1)
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		found <- ConnOf(ctx.Conn()) != nil && ctx.IsTLS() && ConnOf(ctx.Conn()).Alive()
		ctx.SetBodyString(strings.Repeat("x", 1<<20))
	}
	s := start(t, o)
	c := s.dialTLS(roots)
	if a := c.get(); len(a.text) != 1<<20 {
		t.Errorf("got %d bytes", len(a.text))
	}
	if !<-found {
		t.Error("the handler did not find its connection below TLS")
	}
	if got := s.Stats(); got.BytesWritten < 1<<20 || got.BytesRead == 0 {
		t.Errorf("%+v", got)
	}
}

func TestReloadTLS(t *testing.T) {
	o := options()
	firstRoots := useTLS(t, &o)
	s := start(t, o)
	old := s.dialTLS(firstRoots)
	old.get()

	cert, key := writePair(t, "second", time.Now().Add(time.Hour))
	if err := s.ReloadTLS(cert, key); err != nil {
		t.Fatal(err)
	}
	name := func(c *peer) string {
		return c.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	fresh := s.dialTLS(trust(t, cert))
	fresh.get()
	if name(fresh) != "second" {
		t.Errorf("a new connection got the certificate %q", name(fresh))
	}
	if a := old.get(); a.StatusCode != 200 {
		t.Errorf("an old connection got %d", a.StatusCode)
	}

	// A broken pair changes nothing.
	if err := s.ReloadTLS(cert, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing key was taken")
	}
	if err := s.ReloadTLS(cert, o.Config.TLSKey); err == nil {
		t.Error("the key of another certificate was taken")
	}
	still := s.dialTLS(trust(t, cert))
	still.get()
	if name(still) != "second" {
		t.Errorf("after a broken reload a connection got the certificate %q", name(still))
	}
}

func TestReloadTLSWhenOff(t *testing.T) {
	s := start(t, options())
	if err := s.ReloadTLS("a", "b"); !errors.Is(err, ErrNoTLS) {
		t.Errorf("got %v", err)
	}
}

// TestTLSFiles: an error names the key of host.toml, the file and the mistake.
func TestTLSFiles(t *testing.T) {
	cert, key := writePair(t, "good", time.Now().Add(time.Hour))
	otherCert, _ := writePair(t, "other", time.Now().Add(time.Hour))
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, []byte(text))
		return path
	}
	block := func(kind, text string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(text)}))
	}
	for _, c := range []struct{ name, cert, key, setting, want string }{
		{"no certificate file", "/nowhere/cert.pem", key, "server.tls_cert", "/nowhere/cert.pem: no such file"},
		{"no key file", cert, "/nowhere/key.pem", "server.tls_key", "/nowhere/key.pem: no such file"},
		{"empty certificate", file("c.pem", ""), key, "server.tls_cert", "c.pem holds no certificate"},
		{"swapped", key, cert, "server.tls_cert", "good.key holds no certificate"},
		{"broken certificate", file("c.pem", block("CERTIFICATE", "x")), key, "server.tls_cert", "certificate 1 is broken"},
		{"certificate as key", cert, cert, "server.tls_key", "good.pem holds no private key"},
		{"broken key", cert, file("k.pem", block("PRIVATE KEY", "x")), "server.tls_key", "the private key is broken"},
		{"encrypted key", cert, file("k.pem", block("ENCRYPTED PRIVATE KEY", "x")), "server.tls_key", "openssl pkey"},
		{"key of another", otherCert, key, "server.tls_key", "good.key is not the key of the certificate in"},
		{"device", os.DevNull, key, "server.tls_cert", os.DevNull + " is no regular file"},
		{"only one", cert, "", "server.tls_key", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			o.Config.TLSCert, o.Config.TLSKey = c.cert, c.key
			_, err := New(o)
			var setting *SettingError
			if !errors.As(err, &setting) || setting.Key != c.setting || !strings.Contains(setting.Message, c.want) {
				t.Errorf("got %v, want %s: …%s…", err, c.setting, c.want)
			}
		})
	}
}

func TestExpiredCertificateWarns(t *testing.T) {
	o := options()
	log := captureLog(&o)
	o.Config.TLSCert, o.Config.TLSKey = writePair(t, "old", time.Now().Add(-time.Hour))
	start(t, o)
	if !strings.Contains(log.String(), "has expired") || !strings.Contains(log.String(), o.Config.TLSCert) {
		t.Errorf("no warning in the log:\n%s", log)
	}
}

// TestPlainOnTLS: who forgets the s of https is told so.
func TestPlainOnTLS(t *testing.T) {
	o := options()
	useTLS(t, &o)
	s := start(t, o)
	c := s.dial()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000))
	c.answer("POST").refused(t, 400, "use https://")
	c.ended()
}

func TestHandshakeFailureIsLogged(t *testing.T) {
	o := options()
	log := captureLog(&o)
	useTLS(t, &o)
	s := start(t, o)
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: x509.NewCertPool()}); err == nil {
		t.Fatal("an unknown certificate was trusted")
	}
	s.until("log line", func() bool { return strings.Contains(log.String(), "TLS handshake failed") })
}

// TestAliveUnderTLS: the last record of a client that has gone is data, and does
// not make it alive.
func TestAliveUnderTLS(t *testing.T) {
	o := options()
	roots := useTLS(t, &o)
	conns := make(chan *Conn, 1)
	release := make(chan struct{})
	o.Handler = func(ctx *fasthttp.RequestCtx) {
		conns <- ConnOf(ctx.Conn())
		<-release
	}
	s := start(t, o)
	c := s.dialTLS(roots)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	conn := <-conns
	if !conn.Alive() {
		t.Error("a waiting client is not alive")
	}
	_ = c.Close()
	s.until("sign that the client has gone", func() bool { return !conn.Alive() })
	close(release)
}
