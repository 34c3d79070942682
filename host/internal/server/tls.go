package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// certificate is the pair in use. Handshakes read it while ReloadTLS replaces it.
type certificate struct {
	pair atomic.Pointer[tls.Certificate]
}

// errPlainHTTP ends a connection whose client does not speak TLS.
var errPlainHTTP = errors.New("plain HTTP on a TLS port")

// ErrNoTLS is returned by ReloadTLS of a server without TLS.
var ErrNoTLS = errors.New("server: TLS is off; to switch it on needs a restart")

// ReloadTLS has new handshakes use another pair of PEM files. Connections keep
// theirs. When it fails, with a *SettingError, nothing changes.
func (s *Server) ReloadTLS(certFile, keyFile string) error {
	if s.cert == nil {
		return ErrNoTLS
	}
	pair, err := loadPair(certFile, keyFile)
	if err != nil {
		return err
	}
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		s.log.Warn("server.tls_cert: the certificate has expired; clients will refuse it", slog.String("file", certFile), slog.Time("expired", pair.Leaf.NotAfter))
	case now.Before(pair.Leaf.NotBefore):
		s.log.Warn("server.tls_cert: the certificate is not valid yet; clients will refuse it", slog.String("file", certFile), slog.Time("valid from", pair.Leaf.NotBefore))
	}
	s.cert.pair.Store(pair)
	return nil
}

// secure puts TLS over the listener when there is a certificate.
func (s *Server) secure(l net.Listener) net.Listener {
	if s.cert == nil {
		return l
	}
	return &tlsListener{l, s.log, &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.cert.pair.Load(), nil
		},
	}}
}

// tlsListener puts TLS over each connection.
type tlsListener struct {
	net.Listener
	log    *slog.Logger
	config *tls.Config
}

// Accept returns the next connection; the handshake comes later.
func (l *tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{tls.Server(c, l.config), l.log}, nil
}

// tlsConn is a connection with TLS. The library asks it for the handshake.
type tlsConn struct {
	*tls.Conn
	log *slog.Logger
}

// Handshake logs why a handshake failed: what the library logs of errors is not
// shown, since it may quote a request.
func (c *tlsConn) Handshake() error {
	err := c.Conn.Handshake()
	if err != nil {
		c.log.Debug("TLS handshake failed", slog.String("client", c.RemoteAddr().String()), slog.Any("error", err))
	}
	return err
}

func readPEM(file string) ([]byte, error) {
	// A look first: to open a pipe would wait for somebody who writes.
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; name a PEM file", file)
	}
	return os.ReadFile(file)
}

// loadPair reads a pair of PEM files. crypto/tls says what is wrong in words only
// and names no file, so the usual mistakes are looked for here.
func loadPair(certFile, keyFile string) (*tls.Certificate, error) {
	const certKey, keyKey = "server.tls_cert", "server.tls_key"
	fail := func(key string, cause error, format string, args ...any) error {
		return &SettingError{Key: key, Message: fmt.Sprintf(format, args...), Cause: cause}
	}
	certPEM, err := readPEM(certFile)
	if err != nil {
		return nil, fail(certKey, err, "%v", err)
	}
	keyPEM, err := readPEM(keyFile)
	if err != nil {
		return nil, fail(keyKey, err, "%v", err)
	}
	chain := blocks(certPEM, func(kind string) bool { return kind == "CERTIFICATE" })
	if len(chain) == 0 {
		return nil, fail(certKey, nil, "%s holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----", certFile)
	}
	for i, der := range chain {
		if _, err := x509.ParseCertificate(der); err != nil {
			return nil, fail(certKey, err, "%s: certificate %d is broken: %v", certFile, i+1, err)
		}
	}
	if len(blocks(keyPEM, func(kind string) bool { return kind == "ENCRYPTED PRIVATE KEY" })) > 0 || bytes.Contains(keyPEM, []byte("Proc-Type: 4,ENCRYPTED")) {
		return nil, fail(keyKey, nil, "%s is encrypted; remove the passphrase with openssl pkey -in %s -out new.pem", keyFile, keyFile)
	}
	keys := blocks(keyPEM, func(kind string) bool {
		return kind == "PRIVATE KEY" || kind == "RSA PRIVATE KEY" || kind == "EC PRIVATE KEY"
	})
	if len(keys) == 0 {
		return nil, fail(keyKey, nil, "%s holds no private key; it must be PEM, with -----BEGIN PRIVATE KEY-----", keyFile)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return &pair, nil
	case isKey(keys[0]):
		return nil, fail(keyKey, err, "%s is not the key of the certificate in %s: %v", keyFile, certFile, err)
	default:
		return nil, fail(keyKey, err, "%s: the private key is broken: %v", keyFile, err)
	}
}

// blocks returns the PEM blocks of the wanted kinds.
func blocks(data []byte, wanted func(kind string) bool) (found [][]byte) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return found
		}
		if wanted(block.Type) {
			found = append(found, block.Bytes)
		}
		data = rest
	}
}

// isKey reports whether der is a private key in a form that TLS takes.
func isKey(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, ec := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || ec == nil
}

// looksLikeHTTP tells the first bytes of a request from those of a handshake,
// which are control characters.
func looksLikeHTTP(p []byte) bool { return 'A' <= p[0] && p[0] <= 'Z' }

// plainOnTLS tells a client that it is to speak TLS, below TLS.
func (s *Server) plainOnTLS(c *Conn) {
	c.DiscardOnClose()
	_, _ = c.Write(s.plainAnswer(refusal{status: http.StatusBadRequest, message: "this port speaks TLS; use https://"}, true))
}
