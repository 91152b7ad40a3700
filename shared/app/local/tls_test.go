package local_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// TestTLS: a server with a certificate responds over TLS, and not over plain HTTP.
func TestTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan string, 1), make(chan error, 1)
	config := local.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Certificate: cert, Key: key,
		Log: slog.New(slog.DiscardHandler), Ready: func(a string) { address <- a }}
	go func() { ended <- local.Serve(ctx, config) }()
	host := <-address
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	api, err := client.New(client.Options{
		Endpoint:   "https://" + host,
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.ListFlows(ctx, cloudflow.ListFlowsRequest{}); err != nil {
		t.Error(err)
	}
	if r, err := http.Get("http://" + host + "/healthz"); err == nil {
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		t.Errorf("plain HTTP was answered: %s %s", r.Status, text)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTLSFiles(t *testing.T) {
	cert, key, _ := certificate(t)
	for _, c := range []struct{ cert, key, want string }{
		{cert, filepath.Join(t.TempDir(), "none"), "no such file"},
		{"", key, "no such file"},
		{key, key, "failed to find"},
	} {
		config := local.Config{
			Listen:      "127.0.0.1:0",
			Data:        t.TempDir(),
			Certificate: c.cert,
			Key:         c.key,
			Log:         slog.New(slog.DiscardHandler),
		}
		if err := local.Serve(context.Background(), config); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with %q: %v", c.cert, c.key, err)
		}
	}
}

// TestOpenKey: the server warns of a private key that every user of the machine may read, and only
// of that.
func TestOpenKey(t *testing.T) {
	cert, key, _ := certificate(t)
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var log bytes.Buffer
		err := local.Serve(ctx, local.Config{
			Listen:      "127.0.0.1:0",
			Data:        t.TempDir(),
			Certificate: cert,
			Key:         key,
			Log:         slog.New(slog.NewTextHandler(&log, nil)),
			Ready:       func(string) { stop() },
		})
		if err != nil || strings.Contains(log.String(), "chmod 600") != warned {
			t.Errorf("%o: %v, %s", mode, err, log.String())
		}
		stop()
	}
}

// certificate creates a certificate for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}),
			0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret), roots
}
