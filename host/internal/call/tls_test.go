package call

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// certificate returns a self-signed certificate and who trusts it.
func certificate(t *testing.T, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func serveTLS(t *testing.T, cert tls.Certificate, answer func(*script, *peer, int64)) *script {
	t.Helper()
	return serveOn(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{cert}}), "https", answer)
}

func always(text string) func(*script, *peer, int64) {
	return func(_ *script, p *peer, _ int64) {
		for p.request() != nil {
			p.send(text)
		}
	}
}

func TestTLS(t *testing.T) {
	cert, roots := certificate(t, "127.0.0.1")
	s := serveTLS(t, cert, always(ok))
	c := newClient(t, Options{RootCAs: roots})
	for range 5 {
		do(c, s.origin, "POST", "/", strings.Repeat("x", 100_000)).succeeded(t, 200, "ok")
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestTLSFailures(t *testing.T) {
	cert, _ := certificate(t, "127.0.0.1")
	unknown := serveTLS(t, cert, always(ok))
	do(newClient(t, Options{}), unknown.origin, "GET", "/", "").failed(t, ErrUnavailable, "TLS handshake: tls: failed to verify certificate: x509: certificate signed by unknown authority")

	other, roots := certificate(t, "elsewhere.test")
	wrong := serveTLS(t, other, always(ok))
	do(newClient(t, Options{RootCAs: roots}), wrong.origin, "GET", "/", "").failed(t, ErrUnavailable, "x509: cannot validate certificate for 127.0.0.1")

	plain := answering(t, ok)
	do(newClient(t, Options{}), strings.Replace(plain.origin, "http:", "https:", 1), "GET", "/", "").failed(t, ErrUnavailable, "TLS handshake")

	gone := serve(t, func(*script, *peer, int64) {})
	do(newClient(t, Options{}), strings.Replace(gone.origin, "http:", "https:", 1), "GET", "/", "").failed(t, ErrUnavailable, "TLS handshake")
}

// TestTLSDeadline: it covers the handshake, and so does DialTimeout.
func TestTLSDeadline(t *testing.T) {
	s := serve(t, func(_ *script, p *peer, _ int64) { p.rest() })
	origin := strings.Replace(s.origin, "http:", "https:", 1)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if r := doContext(ctx, newClient(t, Options{}), origin, "GET", "/", ""); !errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, ErrUnavailable) {
		t.Errorf("got %v", r.err)
	}
	r := do(newClient(t, Options{DialTimeout: 50 * time.Millisecond}), origin, "GET", "/", "")
	r.failed(t, ErrUnavailable, "no connection within 50ms")
}

// TestTLSCancelledWrite: the end of a call waits for nobody who takes nothing.
func TestTLSCancelledWrite(t *testing.T) {
	cert, roots := certificate(t, "127.0.0.1")
	stop := make(chan struct{})
	defer close(stop)
	s := serveTLS(t, cert, func(_ *script, p *peer, _ int64) {
		_ = p.Conn.(*tls.Conn).Handshake()
		<-stop
	})
	c := newClient(t, Options{RootCAs: roots})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	r := doContext(ctx, c, s.origin, "POST", "/", strings.Repeat("x", 64<<20))
	if !errors.Is(r.err, context.DeadlineExceeded) {
		t.Errorf("got %v", r.err)
	}
}

// TestTLSRest: what comes after an answer, in the same record, does not become the
// next answer.
func TestTLSRest(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	head, end := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ", "\r\n\r\nok"
	full := head + strings.Repeat("x", maxHead-len(head)-len(end)) + end
	for name, records := range map[string][]string{
		"in the reader's buffer": {ok + evil},
		// The second record fills the buffer up with the end of the answer, and the
		// rest of it stays in TLS.
		"below it": {full[:10000], full[10000:] + evil},
	} {
		t.Run(name, func(t *testing.T) {
			cert, roots := certificate(t, "127.0.0.1")
			s := serveTLS(t, cert, func(_ *script, p *peer, _ int64) {
				for p.request() != nil {
					for _, record := range records {
						p.send(record)
					}
				}
			})
			c := newClient(t, Options{RootCAs: roots})
			for range 3 {
				do(c, s.origin, "GET", "/", "").succeeded(t, 200, "ok")
			}
			if n := s.conns.Load(); n != 3 {
				t.Errorf("%d connections, want 3", n)
			}
		})
	}
}
