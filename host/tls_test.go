package host

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Certificates: read again by a reload, all or nothing as the rest.

// certify makes a certificate of its own for the loopback address.
func certify(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func TestTLSReload(t *testing.T) {
	s := setup{
		keys:   "server.tls_cert = \"tls/cert.pem\"\nserver.tls_key = \"tls/key.pem\"",
		guests: map[string]*guest{"a": teller()},
		files:  map[string][]byte{},
		routes: "GET /t/{x} a.request",
	}
	s.files["tls/cert.pem"], s.files["tls/key.pem"] = certify(t, 1)
	r := start(t, s)
	ask := func() (body string, serial int64) {
		t.Helper()
		client := &http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the test looks at the certificate itself
		}}
		resp, err := client.Get("https://" + r.addr + "/t/1")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if body, serial := ask(); serial != 1 || !strings.Contains(body, "\nhttps\n127.0.0.1\n") {
		t.Errorf("got %q with certificate %d", body, serial)
	}

	// The new certificate with the old key is no pair: nothing changes.
	cert, key := certify(t, 2)
	put(t, r.dir+"/tls/cert.pem", cert)
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "host.toml:7: server.tls_key: ") {
		t.Errorf("Reload says %v", err)
	}
	if _, serial := ask(); serial != 1 {
		t.Errorf("after a reload that failed the certificate is %d", serial)
	}

	put(t, r.dir+"/tls/key.pem", key)
	r.reload()
	if _, serial := ask(); serial != 2 {
		t.Errorf("after a reload the certificate is %d", serial)
	}

	// The files are watched, too. To change one after the other is no error that
	// stays.
	cert, key = certify(t, 3)
	put(t, r.dir+"/tls/key.pem", key)
	put(t, r.dir+"/tls/cert.pem", cert)
	r.until("the third certificate", func() bool { _, serial := ask(); return serial == 3 })
}
